// The checks that a recipe from a file and one from the command line share. Inside pipeline/ only: others use recipe.h.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/recipe.h"

namespace tessera::pipeline {

/// Where a key stands, as errors say it: "recipe.toml:9: [output]". An empty key means the whole.
using Where = std::function<std::string(std::string_view key)>;

stages::FailOn parse_fail_on(std::string_view text, std::string_view where);
std::string_view to_text(stages::FailOn);

/// The kinds of metadata that a list names: several, or "all" or "none" alone. Sorted, each once.
std::vector<std::string> parse_metadata_kinds(const std::vector<std::string>& list, std::string_view where);
/// "exif,icc" -> the list.
std::vector<std::string> split_list(std::string_view text);
/// All kinds but these.
std::vector<std::string> other_kinds(const std::vector<std::string>& kinds);

/// Opaque, canonical: "#ffffff".
std::string parse_background(const std::string& text, std::string_view where);

/// The format that the template's literal extension names, if it has one and a format has it.
const stages::Codec* codec_of_template(std::string_view name_template, std::string_view where, const Vocabulary&);
/// Checks the template, finds the codec, checks and sorts the options and writes them canonically. Throws UsageError.
void resolve_output(OutputSpec&, const Where&, const Vocabulary&);
/// Throws UsageError when two outputs would write the same names.
void check_templates_differ(const Recipe&, std::string_view where);

/// "; did you mean 'x'?" or "".
std::string suggestion(std::string_view word, std::span<const std::string_view> known);

}  // namespace tessera::pipeline
