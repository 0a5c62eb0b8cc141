// The TOML form of a recipe. Keys that nobody knows are errors: a misspelt option must not be ignored.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "pipeline/collisions.h"
#include "pipeline/recipe.h"
#include "pipeline/recipe_check.h"

namespace tessera::pipeline {
namespace {

constexpr std::size_t kMaxRecipeBytes = 1 << 20;

constexpr std::array<std::string_view, 7> kOutputKeys{"template", "format",   "background", "keep",
                                                      "strip",    "on-exist", "stage"};

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a number";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "a truth value";
    default:
      return "a date or time";
  }
}

/// One table of the file: where it stands, and typed reads that say where a wrong value stands.
class Section {
 public:
  Section(const toml::table& table, std::string_view file, std::string heading)
      : table_(table), file_(file), heading_(std::move(heading)) {}

  std::string where(std::string_view key = {}) const {
    const toml::node* node = key.empty() ? nullptr : table_.get(key);
    return place(node ? *node : table_);
  }

  [[noreturn]] void wrong_type(std::string_view key, const toml::node& node, std::string_view expected) const {
    throw UsageError(fmt::format("{}: {} must be {}, not {}", place(node), key, expected, type_name(node)));
  }

  const toml::table& table_of(std::string_view key, const toml::node& node) const {
    if (const toml::table* table = node.as_table()) return *table;
    wrong_type(key, node, "a table");
  }

  const std::string& string(std::string_view key, const toml::node& node) const {
    if (const auto* text = node.as_string()) return text->get();
    wrong_type(key, node, "a string");
  }

  bool boolean(std::string_view key, const toml::node& node) const {
    if (const auto* value = node.as_boolean()) return value->get();
    wrong_type(key, node, "true or false");
  }

  /// As it would be written on the command line.
  std::string scalar_text(std::string_view key, const toml::node& node) const {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* integer = node.as_integer()) return std::to_string(integer->get());
    if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
    if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
    wrong_type(key, node, "a string, a number or true or false");
  }

  /// "exif,icc" or ["exif", "icc"].
  std::vector<std::string> list(std::string_view key, const toml::node& node) const {
    if (const auto* text = node.as_string()) return split_list(text->get());
    const toml::array* array = node.as_array();
    if (!array) wrong_type(key, node, "a string or an array of strings");
    std::vector<std::string> words;
    for (const toml::node& word : *array) words.push_back(string(key, word));
    return words;
  }

  [[noreturn]] void unknown_key(std::string_view key, std::span<const std::string_view> known) const {
    const std::string near = suggestion(key, known);
    throw UsageError(fmt::format("{}: there is no key '{}'{}", where(key), key,
                                 near.empty() ? fmt::format("; there are {}", fmt::join(known, ", ")) : near));
  }

  /// The tables under `key`, which must be [[key]] (or, if `single`, may be one [key]).
  std::vector<Section> tables(std::string_view key, const toml::node& node, std::string_view heading,
                              bool single) const {
    std::vector<Section> sections;
    if (single && node.is_table()) {
      sections.emplace_back(*node.as_table(), file_, fmt::format("[{}]", heading));
      return sections;
    }
    const toml::array* array = node.as_array();
    if (!array)
      wrong_type(key, node, single ? fmt::format("[{0}] or [[{0}]]", heading) : fmt::format("[[{}]]", heading));
    for (const toml::node& element : *array)
      sections.emplace_back(table_of(key, element), file_, fmt::format("[[{}]] {}", heading, sections.size() + 1));
    return sections;
  }

  const toml::table& table() const { return table_; }

 private:
  std::string place(const toml::node& node) const {
    const auto line = node.source().begin.line;
    return fmt::format("{}{}{}{}", file_, line > 0 ? fmt::format(":{}", line) : "", heading_.empty() ? "" : ": ",
                       heading_);
  }

  const toml::table& table_;
  std::string_view file_;
  std::string heading_;
};

StageSpec read_stage(const Section& section, const Vocabulary& vocabulary) {
  std::string op;
  std::vector<stages::Values::Pair> pairs;
  for (const auto& [key, node] : section.table()) {
    if (key.str().empty()) throw UsageError(fmt::format("{}: a parameter has no name", section.where()));
    if (key.str() == "op")
      op = section.string("op", node);
    else
      pairs.emplace_back(key.str(), section.scalar_text(key.str(), node));
  }
  if (op.empty()) throw UsageError(fmt::format("{}: 'op', the name of the stage, is missing", section.where()));
  return make_stage_spec(op, pairs, section.where(), vocabulary);
}

std::vector<StageSpec> read_stages(const std::vector<Section>& sections, const Vocabulary& vocabulary) {
  std::vector<StageSpec> specs;
  for (const Section& section : sections) specs.push_back(read_stage(section, vocabulary));
  return specs;
}

void read_on_exist(const Section& section, const toml::node& node, RecipeFile& file) {
  const std::string& policy = section.string("on-exist", node);
  parse_on_exist(policy, section.where("on-exist"));
  if (file.on_exist && *file.on_exist != policy)
    throw UsageError(fmt::format("{}: on-exist is '{}' here and '{}' in another output; there is one policy for a run",
                                 section.where("on-exist"), policy, *file.on_exist));
  file.on_exist = policy;
}

/// Before the codec is known: a key that no codec has, with the nearest of all that could have been meant.
void check_option_name(const Section& section, std::string_view key, const Vocabulary& vocabulary) {
  std::vector<std::string_view> known(kOutputKeys.begin(), kOutputKeys.end());
  for (const stages::Codec* codec : vocabulary.codecs)
    for (const stages::Parameter& p : codec->encode_parameters())
      if (std::ranges::find(known, p.name) == known.end()) known.push_back(p.name);
  if (std::ranges::find(known, key) == known.end()) section.unknown_key(key, known);
}

void read_output(const Section& section, RecipeFile& file, const Vocabulary& vocabulary) {
  OutputSpec output;
  if (section.table().contains("keep") && section.table().contains("strip"))
    throw UsageError(fmt::format("{}: keep and strip exclude each other", section.where("strip")));
  for (const auto& [key, node] : section.table()) {
    const std::string_view name = key.str();
    if (name == "template")
      output.name_template = section.string(name, node);
    else if (name == "format")
      output.format = section.string(name, node);
    else if (name == "background")
      output.background = parse_background(section.string(name, node), section.where(name));
    else if (name == "keep")
      output.keep = parse_metadata_kinds(section.list(name, node), section.where(name));
    else if (name == "strip")
      output.keep = other_kinds(parse_metadata_kinds(section.list(name, node), section.where(name)));
    else if (name == "on-exist")
      read_on_exist(section, node, file);
    else if (name == "stage")
      output.stages = read_stages(section.tables(name, node, "output.stage", false), vocabulary);
    else {
      check_option_name(section, name, vocabulary);
      output.options.emplace_back(name, section.scalar_text(name, node));
    }
  }
  resolve_output(
      output, [&](std::string_view key) { return section.where(key); }, vocabulary);
  file.recipe.outputs.push_back(std::move(output));
}

void read_input(const Section& section, Recipe& recipe) {
  for (const auto& [key, node] : section.table()) {
    if (key.str() == "fail-on")
      recipe.fail_on = parse_fail_on(section.string("fail-on", node), section.where("fail-on"));
    else if (key.str() == "full-decode")
      recipe.full_decode = section.boolean("full-decode", node);
    else
      section.unknown_key(key.str(), std::array<std::string_view, 2>{"fail-on", "full-decode"});
  }
}

RecipeFile read_root(const Section& root, std::string_view file_name, const Vocabulary& vocabulary) {
  RecipeFile file;
  for (const auto& [key, node] : root.table()) {
    const std::string_view name = key.str();
    if (name == "version") {
      const auto* version = node.as_integer();
      if (!version || version->get() != 1)
        throw UsageError(fmt::format("{}: version must be 1, the only one there is", root.where(name)));
    } else if (name == "input") {
      read_input(Section(root.table_of(name, node), file_name, "[input]"), file.recipe);
    } else if (name == "stage") {
      file.recipe.common = read_stages(root.tables(name, node, "stage", false), vocabulary);
    } else if (name == "output") {
      for (const Section& section : root.tables(name, node, "output", true)) read_output(section, file, vocabulary);
    } else {
      root.unknown_key(name, std::array<std::string_view, 4>{"version", "input", "stage", "output"});
    }
  }
  if (file.recipe.outputs.empty()) file.recipe.outputs.emplace_back();
  check_templates_differ(file.recipe, file_name);
  return file;
}

}  // namespace

RecipeFile parse_recipe(std::string_view toml, std::string_view file, const Vocabulary& vocabulary) {
  try {
    const toml::table table = toml::parse(toml, file);
    return read_root(Section(table, file, ""), file, vocabulary);
  } catch (const toml::parse_error& e) {
    throw UsageError(fmt::format("{}:{}: {}", file, e.source().begin.line, e.description()));
  }
}

RecipeFile load_recipe(const std::string& path, const Vocabulary& vocabulary) {
  std::ifstream stream(path, std::ios::binary);
  std::string text(kMaxRecipeBytes + 1, '\0');
  if (!stream) throw UsageError(fmt::format("the recipe '{}' cannot be opened", path));
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) throw UsageError(fmt::format("the recipe '{}' cannot be read", path));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMaxRecipeBytes)
    throw UsageError(fmt::format("the recipe '{}' is larger than {} bytes", path, kMaxRecipeBytes));
  return parse_recipe(text, path, vocabulary);
}

}  // namespace tessera::pipeline
