#include "pipeline/recipe_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pipeline/name_template.h"
#include "pipeline/utf8.h"

namespace tessera::pipeline {
namespace {

constexpr std::array<std::string_view, 3> kFailOn{"none", "truncated", "warning"};  // in the order of FailOn
constexpr std::array<std::string_view, 4> kMetadata{"exif", "icc", "iptc", "xmp"};  // sorted

NameTemplate parse_template(std::string_view text, std::string_view where) {
  if (!is_utf8(text)) throw UsageError(fmt::format("{}: the template is not UTF-8; a recipe could not hold it", where));
  try {
    return NameTemplate::parse(text);
  } catch (const UsageError& e) {
    throw UsageError(fmt::format("{}: {}", where, e.what()));
  }
}

const stages::Codec* codec_of_output(const OutputSpec& output, const std::string& literal, const Where& where,
                                     const Vocabulary& vocabulary) {
  const stages::Codec* by_extension = literal.empty() ? nullptr : vocabulary.codec_for_extension(literal);
  if (output.format.empty()) {
    if (!literal.empty() && !by_extension)
      throw UsageError(fmt::format("{}: no format writes '.{}'; end the template in .{{ext}} or name the format",
                                   where("template"), literal));
    return by_extension;
  }
  const stages::Codec* codec = vocabulary.find_codec(output.format);
  if (!codec) codec = vocabulary.codec_for_extension(output.format);  // "jpg"
  if (!codec) {
    const auto names = vocabulary.codec_names();
    const std::string near = suggestion(output.format, names);
    throw UsageError(fmt::format("{}: there is no format '{}'{}", where("format"), output.format,
                                 near.empty() ? fmt::format("; there are {}", fmt::join(names, ", ")) : near));
  }
  if (by_extension && by_extension != codec)
    throw UsageError(fmt::format("{}: the template ends in .{}, but the format is {}; end it in .{{ext}}",
                                 where("template"), literal, codec->name()));
  return codec;
}

const stages::Parameter* find_parameter(const stages::Codec& codec, std::string_view name) {
  const auto& all = codec.encode_parameters();
  const auto found = std::ranges::find(all, name, &stages::Parameter::name);
  return found == all.end() ? nullptr : &*found;
}

/// One option as the codec spells it. Throws std::invalid_argument.
std::string canonical_option(const stages::Codec& codec, const stages::Parameter& parameter,
                             const stages::Values::Pair& option) {
  return stages::Values::parse(codec.name(), {&parameter, 1}, {&option, 1}).text(option.first);
}

void resolve_option(OutputSpec& output, stages::Values::Pair& option, const Vocabulary& vocabulary) {
  const std::array<const stages::Codec*, 1> one{output.codec};
  const auto candidates = output.codec ? std::span<const stages::Codec* const>(one) : vocabulary.codecs;
  std::vector<std::string_view> known;
  std::optional<std::string> canonical;
  for (const stages::Codec* codec : candidates) {
    for (const stages::Parameter& p : codec->encode_parameters()) known.push_back(p.name);
    if (const stages::Parameter* parameter = find_parameter(*codec, option.first)) {
      std::string text = canonical_option(*codec, *parameter, option);
      if (!canonical) canonical = std::move(text);
    }
  }
  if (!canonical) {
    const std::string near = suggestion(option.first, known);
    throw std::invalid_argument(
        fmt::format("{} option '{}'{}",
                    output.codec ? fmt::format("{} has no", output.codec->name()) : "no format has an", option.first,
                    !near.empty()   ? near
                    : known.empty() ? "; it takes none"
                                    : fmt::format("; there are {}", fmt::join(known, ", "))));
  }
  option.second = *canonical;
}

}  // namespace

std::string suggestion(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view near = stages::nearest(word, known);
  return near.empty() ? "" : fmt::format("; did you mean '{}'?", near);
}

stages::FailOn parse_fail_on(std::string_view text, std::string_view where) {
  const auto found = std::ranges::find(kFailOn, text);
  if (found == kFailOn.end())
    throw UsageError(fmt::format("{}: fail-on: '{}' is not one of {}{}", where, text, fmt::join(kFailOn, ", "),
                                 suggestion(text, kFailOn)));
  return static_cast<stages::FailOn>(found - kFailOn.begin());
}

std::string_view to_text(stages::FailOn fail_on) { return kFailOn[static_cast<std::size_t>(fail_on)]; }

std::vector<std::string> parse_metadata_kinds(const std::vector<std::string>& list, std::string_view where) {
  if (list == std::vector<std::string>{"none"}) return {};
  if (list == std::vector<std::string>{"all"}) return {kMetadata.begin(), kMetadata.end()};
  std::vector<std::string> kinds;
  for (const std::string& kind : list) {
    if (std::ranges::find(kMetadata, kind) == kMetadata.end())
      throw UsageError(fmt::format("{}: '{}' is not a kind of metadata; there are {}, and all or none alone{}", where,
                                   kind, fmt::join(kMetadata, ", "), suggestion(kind, kMetadata)));
    kinds.push_back(kind);
  }
  std::ranges::sort(kinds);
  kinds.erase(std::ranges::unique(kinds).begin(), kinds.end());
  return kinds;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> list;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::string_view word = text.substr(begin, end - begin);
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    list.emplace_back(word);
    begin = end + 1;
  }
  return list;
}

std::vector<std::string> other_kinds(const std::vector<std::string>& kinds) {
  std::vector<std::string> others;
  for (const std::string_view kind : kMetadata)
    if (std::ranges::find(kinds, kind) == kinds.end()) others.emplace_back(kind);
  return others;
}

std::string parse_background(const std::string& text, std::string_view where) {
  const stages::Parameter parameter{"background", stages::ParameterType::color, "", "white"};
  const stages::Values::Pair given{"background", text};
  try {
    const auto values = stages::Values::parse("", {&parameter, 1}, {&given, 1});
    if (values.color("background").alpha == 1) return values.text("background");
  } catch (const std::invalid_argument&) {
    throw UsageError(
        fmt::format("{}: background: '{}' is not a colour (write #rrggbb or a name such as white)", where, text));
  }
  throw UsageError(
      fmt::format("{}: background: '{}' is not opaque; transparent pixels need a colour to lie on", where, text));
}

const stages::Codec* codec_of_template(std::string_view name_template, std::string_view where,
                                       const Vocabulary& vocabulary) {
  return vocabulary.codec_for_extension(parse_template(name_template, where).literal_extension());
}

void resolve_output(OutputSpec& output, const Where& where, const Vocabulary& vocabulary) {
  const NameTemplate name_template = parse_template(output.name_template, where("template"));
  const std::string literal = name_template.literal_extension();
  output.name_template = name_template.text();
  output.codec = codec_of_output(output, literal, where, vocabulary);
  output.format = output.codec ? output.codec->name() : "";
  std::ranges::sort(output.options);
  for (std::size_t i = 0; i < output.options.size(); ++i) {
    auto& option = output.options[i];
    try {
      if (i > 0 && output.options[i - 1].first == option.first)
        throw std::invalid_argument(fmt::format("'{}' is given twice", option.first));
      resolve_option(output, option, vocabulary);
    } catch (const std::invalid_argument& e) {
      throw UsageError(fmt::format("{}: {}", where(option.first), e.what()));
    }
  }
}

void check_templates_differ(const Recipe& recipe, std::string_view where) {
  std::vector<std::string_view> seen;
  for (const OutputSpec& output : recipe.outputs) {
    if (std::ranges::find(seen, output.name_template) != seen.end())
      throw UsageError(fmt::format("{}: two outputs have the template '{}'; they would overwrite each other", where,
                                   output.name_template));
    seen.push_back(output.name_template);
  }
}

}  // namespace tessera::pipeline
