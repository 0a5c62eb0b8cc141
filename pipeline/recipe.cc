#include "pipeline/recipe.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstring>

#include "pipeline/name_template.h"
#include "pipeline/recipe_check.h"
#include "pipeline/stage_text.h"
#include "pipeline/utf8.h"

namespace tessera::pipeline {
namespace {

std::string toml_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      quoted += fmt::format("\\{}", c);
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      quoted += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    else
      quoted += c;
  }
  return quoted + '"';
}

/// A number or truth value stands bare where reading it back gives the same text (recipe_toml.cc, scalar_text).
std::string toml_value(const std::string& text) {
  const char* const end = text.data() + text.size();
  std::int64_t integer = 0;
  const auto [integer_end, integer_error] = std::from_chars(text.data(), end, integer);
  if (integer_error == std::errc() && integer_end == end && std::to_string(integer) == text) return text;
  double number = 0;
  const auto [number_end, number_error] = std::from_chars(text.data(), end, number);
  if (number_error == std::errc() && number_end == end && std::isfinite(number) &&
      text.find('.') != std::string::npos && text.find('e') == std::string::npos && fmt::format("{}", number) == text)
    return text;
  return text == "true" || text == "false" ? text : toml_string(text);
}

/// Values that are not set are left out; make_stage_spec makes sure that this loses nothing.
void write_values(std::string& toml, const stages::Values& values) {
  for (const auto& [name, text] : values.pairs())
    if (!text.empty()) toml += fmt::format("{} = {}\n", name, toml_value(text));
}

void write_stages(std::string& toml, std::string_view heading, const std::vector<StageSpec>& stages) {
  for (const StageSpec& stage : stages) {
    toml += fmt::format("\n[[{}]]\nop = {}\n", heading, toml_string(stage.op));
    write_values(toml, stage.values);
  }
}

void write_output(std::string& toml, const OutputSpec& output, bool only) {
  std::vector<std::string> kinds;
  for (const std::string& kind : output.keep) kinds.push_back(toml_string(kind));
  toml += fmt::format("\n{}\ntemplate = {}\n", only ? "[output]" : "[[output]]", toml_string(output.name_template));
  if (output.codec) toml += fmt::format("format = {}\n", toml_string(output.codec->name()));
  toml += fmt::format("background = {}\nkeep = [{}]\n", toml_string(output.background), fmt::join(kinds, ", "));
  if (output.codec) {
    write_values(toml, settings_for(output, *output.codec));
  } else {
    for (const auto& [name, text] : output.options) toml += fmt::format("{} = {}\n", name, toml_value(text));
  }
  write_stages(toml, "output.stage", output.stages);
}

/// The options of the recipe file that still mean something for another codec.
void keep_fitting_options(OutputSpec& output) {
  std::erase_if(output.options, [&](const stages::Values::Pair& option) {
    const auto& parameters = output.codec->encode_parameters();
    const auto parameter = std::ranges::find(parameters, option.first, &stages::Parameter::name);
    if (parameter == parameters.end()) return true;
    try {
      stages::Values::parse(output.codec->name(), {&*parameter, 1}, {&option, 1});
      return false;
    } catch (const std::invalid_argument&) {
      return true;
    }
  });
}

constexpr std::string_view kCommandLine = "command line";

void apply_to_output(const CommandLineOverrides& flags, OutputSpec& output, const Vocabulary& vocabulary) {
  const Where where = [](std::string_view) { return std::string(kCommandLine); };
  const stages::Codec* const before = output.codec;
  if (flags.background) output.background = parse_background(*flags.background, kCommandLine);
  if (flags.keep) output.keep = parse_metadata_kinds(split_list(*flags.keep), kCommandLine);
  if (flags.strip) output.keep = other_kinds(parse_metadata_kinds(split_list(*flags.strip), kCommandLine));
  if (flags.name_template) {
    output.name_template = *flags.name_template;
    // A name that ends in .png asks for PNG, as in every converter, whatever the file's format was.
    if (const auto* named = codec_of_template(*flags.name_template, kCommandLine, vocabulary))
      output.format = named->name();
  }
  if (flags.format) output.format = *flags.format;

  std::vector<stages::Values::Pair> from_file = std::move(output.options);
  output.options.clear();
  resolve_output(output, where, vocabulary);
  output.options = std::move(from_file);
  if (output.codec && output.codec != before) keep_fitting_options(output);
  for (const auto& option : flags.options)
    std::erase_if(output.options, [&](const auto& old) { return old.first == option.first; });
  output.options.insert(output.options.end(), flags.options.begin(), flags.options.end());
  resolve_output(output, where, vocabulary);
}

}  // namespace

std::string Recipe::canonical() const {
  assert(!outputs.empty());
  std::string toml =
      fmt::format("version = 1\n\n[input]\nfail-on = \"{}\"\nfull-decode = {}\n", to_text(fail_on), full_decode);
  write_stages(toml, "stage", common);
  for (const OutputSpec& output : outputs) write_output(toml, output, outputs.size() == 1);
  return toml;
}

std::array<std::byte, 16> Recipe::hash() const {
  const std::string text = fmt::format("{}\nengine {}\n", canonical(), kEngineVersion);
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, XXH3_128bits(text.data(), text.size()));
  std::array<std::byte, 16> hash{};
  static_assert(sizeof bytes.digest == 16);
  std::memcpy(hash.data(), bytes.digest, hash.size());
  return hash;
}

RecipeFile default_recipe() {
  RecipeFile file;
  file.recipe.outputs.emplace_back();
  return file;
}

void apply(const CommandLineOverrides& flags, RecipeFile& file, const Vocabulary& vocabulary) {
  Recipe& recipe = file.recipe;
  if (flags.keep && flags.strip)
    throw UsageError(fmt::format("{}: --keep and --strip exclude each other", kCommandLine));
  if (flags.name_template && recipe.outputs.size() > 1)
    throw UsageError(fmt::format("{}: the recipe has {} outputs, so one template cannot serve them", kCommandLine,
                                 recipe.outputs.size()));
  if (flags.fail_on) recipe.fail_on = parse_fail_on(*flags.fail_on, kCommandLine);
  if (flags.full_decode) recipe.full_decode = *flags.full_decode;
  recipe.common.insert(recipe.common.end(), flags.stages.begin(), flags.stages.end());
  for (OutputSpec& output : recipe.outputs) apply_to_output(flags, output, vocabulary);
}

StageSpec make_stage_spec(std::string_view op, std::span<const stages::Values::Pair> pairs, std::string_view where,
                          const Vocabulary& vocabulary) {
  const stages::StageEntry* entry = vocabulary.find_stage(op);
  if (!entry) {
    const auto names = vocabulary.stage_names();
    const std::string near = suggestion(op, names);
    throw UsageError(
        fmt::format("{}: there is no stage '{}'{}", where, op, near.empty() ? "; 'tessera stages' lists them" : near));
  }
  for (const auto& [name, text] : pairs)
    if (!is_utf8(text))
      throw UsageError(
          fmt::format("{}: {} {} is not UTF-8; a recipe could not hold it", where, op, name.empty() ? "value" : name));
  try {
    StageSpec spec{std::string(op), stages::Values::parse(op, entry->parameters, pairs), nullptr};
    for (const stages::Parameter& p : entry->parameters)
      if (!spec.values.has(p.name) && (p.required || !p.default_value.empty()))
        throw std::invalid_argument(fmt::format("{} {}: the value is empty", op, p.name));
    spec.stage = entry->make(spec.values);
    assert(spec.stage);
    return spec;
  } catch (const std::invalid_argument& e) {
    const bool example = pairs.empty() && !entry->example.empty();
    throw UsageError(
        fmt::format("{}: {}{}", where, e.what(), example ? fmt::format(", as in '{}'", entry->example) : ""));
  }
}

stages::Values settings_for(const OutputSpec& output, const stages::Codec& codec) {
  const auto& parameters = codec.encode_parameters();
  std::vector<stages::Values::Pair> known;
  for (const auto& option : output.options)
    if (std::ranges::find(parameters, option.first, &stages::Parameter::name) != parameters.end())
      known.push_back(option);
  return stages::Values::parse(codec.name(), parameters, known);
}

}  // namespace tessera::pipeline
