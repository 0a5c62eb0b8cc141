#include "pipeline/name_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "pipeline/printable.h"
#include "stages/image.h"

namespace tessera::pipeline {
namespace {

constexpr std::size_t kMaxComponentBytes = 255;          // NAME_MAX of Linux file systems
constexpr std::size_t kMaxPathBytes = 4095;              // PATH_MAX without its NUL
constexpr std::string_view kPrivateFolder = ".tessera";  // of the output folder, see output_tree.h

// In the order of Field.
constexpr std::array<std::string_view, 9> kFieldNames{"dir", "reldir", "name", "ext", "n", "w", "h", "hash8", "format"};

bool is_folder_field(Field field) { return field == Field::dir || field == Field::reldir; }
bool is_number_field(Field field) { return field == Field::n || field == Field::w || field == Field::h; }

struct FieldText {
  Field field = Field::name;
  int digits = 0;
};

/// "n:06", without the braces.
FieldText parse_field(std::string_view text, std::string_view whole) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const auto known = std::ranges::find(kFieldNames, name);
  if (known == kFieldNames.end()) {
    const std::string_view near = stages::nearest(name, kFieldNames);
    throw UsageError(fmt::format("template '{}': there is no field {{{}}}; {}", whole, name,
                                 near.empty() ? fmt::format("there are {{{}}}", fmt::join(kFieldNames, "} {"))
                                              : fmt::format("did you mean {{{}}}?", near)));
  }
  FieldText result{static_cast<Field>(known - kFieldNames.begin()), 0};
  if (colon == std::string_view::npos) return result;
  const std::string_view digits = text.substr(colon + 1);
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, result.digits);
  if (!is_number_field(result.field) || !digits.starts_with('0') || error != std::errc() || stop != end ||
      result.digits < 1 || result.digits > 20)
    throw UsageError(
        fmt::format("template '{}': {{{}}} has a wrong format; numbers may be padded as in {{n:06}}", whole, text));
  return result;
}

void check_component(std::string_view component) {
  if (component == "..") throw stages::ImageError("the output name would contain '..', which leaves the output folder");
  if (component.find('\0') != std::string_view::npos)
    throw stages::ImageError(fmt::format("the output name '{}' would contain a NUL byte", printable(component)));
  if (component.size() > kMaxComponentBytes)
    throw stages::ImageError(fmt::format("the output name '{}' has {} bytes; file systems take at most {}",
                                         printable(component), component.size(), kMaxComponentBytes));
}

/// Appends the components of `text` (a folder field may hold several) to `path`.
void append(std::string& path, std::string_view text) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    const std::string_view component = text.substr(begin, end - begin);
    begin = end + 1;
    if (component == ".") continue;
    if (component.empty()) throw stages::ImageError("a folder of the output name would be empty");
    check_component(component);
    if (!path.empty()) path += '/';
    path += component;
  }
}

}  // namespace

NameTemplate NameTemplate::parse(std::string_view text) {
  const auto reject = [&](std::string_view why) { return UsageError(fmt::format("template '{}' {}", text, why)); };
  if (text.find('\0') != std::string_view::npos) throw UsageError("the template contains a NUL byte");
  if (text.empty()) throw UsageError("the template is empty");
  if (text.starts_with('/')) throw reject("is absolute; names are relative to the output folder");
  if (text.ends_with('/')) throw reject("ends in a slash: the file has no name");
  NameTemplate result;
  std::vector<Part> parts;
  const auto literal = [&](char c) {
    if (parts.empty() || parts.back().field) parts.emplace_back();
    parts.back().literal += c;
  };
  const auto end_component = [&] {
    if (parts.empty()) throw reject("has an empty component ('//')");
    if (parts.size() == 1 && parts[0].literal == "..") throw reject("contains '..', which leaves the output folder");
    if (parts.size() != 1 || parts[0].literal != ".") result.components_.push_back(std::move(parts));
    parts.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c == '{' || c == '}') && text.substr(i + 1, 1) == text.substr(i, 1)) {
      literal(text[i++]);
    } else if (c == '{') {
      const std::size_t close = text.find('}', i);
      if (close == std::string_view::npos) throw reject("has an unclosed {; write {{ for a brace");
      const auto [field, digits] = parse_field(text.substr(i + 1, close - i - 1), text);
      parts.push_back({"", field, digits});
      result.needs_.insert(field);
      i = close;
    } else if (c == '}') {
      throw reject("has a } without {; write }} for a brace");
    } else if (c == '/') {
      end_component();
    } else {
      literal(c);
    }
  }
  end_component();
  if (result.components_.empty()) throw reject("names no file");
  return result;
}

std::string NameTemplate::text() const {
  std::string text;
  for (const std::vector<Part>& parts : components_) {
    if (!text.empty()) text += '/';
    for (const Part& part : parts) {
      if (part.field) {
        const std::string_view name = kFieldNames[static_cast<std::size_t>(*part.field)];
        text += part.digits > 0 ? fmt::format("{{{}:0{}}}", name, part.digits) : fmt::format("{{{}}}", name);
      }
      for (const char c : part.literal) text += c == '{' ? "{{" : c == '}' ? "}}" : std::string(1, c);
    }
  }
  return text;
}

bool NameTemplate::known_before_decode() const {
  return !needs_.contains(Field::w) && !needs_.contains(Field::h) && !needs_.contains(Field::hash8);
}

std::string NameTemplate::literal_extension() const {
  const Part& last = components_.back().back();
  const std::size_t dot = last.literal.rfind('.');
  const bool leading = dot == 0 && components_.back().size() == 1;
  return last.field || dot == std::string::npos || leading ? "" : last.literal.substr(dot + 1);
}

std::string NameTemplate::text_of(const Part& part, const NameFields& fields) const {
  if (!part.field) return part.literal;
  switch (*part.field) {
    case Field::dir:
      return fields.dir;
    case Field::reldir:
      return fields.reldir;
    case Field::name:
      return fields.name;
    case Field::ext:
      return fields.ext;
    case Field::n:
      return fmt::format("{:0{}}", fields.n, part.digits);
    case Field::w:
      return fmt::format("{:0{}}", fields.width, part.digits);
    case Field::h:
      return fmt::format("{:0{}}", fields.height, part.digits);
    case Field::hash8:
      return fields.hash8;
    case Field::format:
      return fields.format;
  }
  return {};
}

std::string NameTemplate::expand(const NameFields& fields) const {
  std::string path;
  for (const std::vector<Part>& parts : components_) {
    std::string component;
    for (const Part& part : parts) component += text_of(part, fields);
    const bool last = &parts == &components_.back();
    const bool folders_only =
        std::ranges::all_of(parts, [](const Part& part) { return part.field && is_folder_field(*part.field); });
    if (component.empty() && folders_only && !last) continue;
    if (last && (component.empty() || component == "." || component.ends_with('/') || component.ends_with("/.")))
      throw stages::ImageError("the output name would be empty");
    if (component.starts_with('/')) throw stages::ImageError("the output name would be absolute");
    append(path, component);
  }
  if (path == kPrivateFolder || path.starts_with(fmt::format("{}/", kPrivateFolder)))
    throw stages::ImageError(
        fmt::format("the output name '{}' cannot be: {} holds the journal", printable(path), kPrivateFolder));
  if (path.size() > kMaxPathBytes)
    throw stages::ImageError(
        fmt::format("the output path has {} bytes; the system takes at most {}", path.size(), kMaxPathBytes));
  return path;
}

std::string_view extension_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 == 0
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? std::string_view() : name.substr(dot + 1);
}

NameFields fields_of_input(std::string_view path, std::string_view relative_dir) {
  NameFields fields;
  fields.reldir = relative_dir;
  const std::size_t slash = path.rfind('/');
  const std::string_view name = path.substr(slash + 1);
  const std::size_t dot = name.rfind('.');
  fields.name = name.substr(0, dot == 0 ? std::string_view::npos : dot);
  if (slash != std::string_view::npos) {
    std::string_view folder = path.substr(0, slash);
    while (folder.ends_with('/')) folder.remove_suffix(1);
    folder = folder.substr(folder.rfind('/') + 1);
    if (folder != "." && folder != "..") fields.dir = folder;
  }
  return fields;
}

std::string output_extension(std::string_view input_path, const stages::Codec& output, const Vocabulary& vocabulary) {
  const std::string_view own = extension_of(input_path);
  return std::string(!own.empty() && vocabulary.codec_for_extension(own) == &output ? own
                                                                                    : output.extensions().front());
}

}  // namespace tessera::pipeline
