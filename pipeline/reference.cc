#include "pipeline/reference.h"

#include <fmt/format.h>

#include "stages/codec.h"

namespace tessera::pipeline {
using namespace stages;
namespace {

std::string range_of(const Parameter& p) {
  std::string text;
  switch (p.type) {
    case ParameterType::number:
      text = "number";
      break;
    case ParameterType::integer:
      text = "whole number";
      break;
    case ParameterType::boolean:
      return "true, false";
    case ParameterType::choice:
      return fmt::format("{}", fmt::join(p.choices, ", "));
    case ParameterType::color:
      return "colour";
    case ParameterType::text:
      return "text";
  }
  if (p.min && p.max)
    text = fmt::format("{} .. {}", *p.min, *p.max);
  else if (p.min)
    text = fmt::format("{} or more", *p.min);
  else if (p.max)
    text = fmt::format("{} or less", *p.max);
  return p.unit.empty() ? text : fmt::format("{} {}", text, p.unit);
}

std::string default_of(const Parameter& p) {
  return p.required ? "required" : p.default_value.empty() ? "not set" : std::string(p.default_value);
}

std::string exactness_of(Exactness e) {
  return e == Exactness::any_tiling ? "the same bytes under any tiling" : "the same bytes under the same band grid";
}

std::string sentence(std::string_view text) { return std::string(text) + (text.ends_with('.') ? "" : "."); }

// A pipe would end a Markdown cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

std::string parameter_rows(const std::vector<Parameter>& parameters) {
  if (parameters.empty()) return "No parameters.\n";
  std::string text = "| parameter | values | default | meaning |\n|---|---|---|---|\n";
  for (const Parameter& p : parameters)
    text += fmt::format("| `{}` | {} | {} | {} |\n", p.name, cell(range_of(p)), cell(default_of(p)), cell(p.help));
  return text;
}

}  // namespace

std::string stages_list() {
  std::string text;
  std::string_view group;
  for (const StageEntry& entry : catalogue()) {
    if (entry.group != group) text += fmt::format("{}{}\n", group.empty() ? "" : "\n", entry.group);
    group = entry.group;
    text += fmt::format("  {:20} {}\n", entry.name, entry.help);
  }
  return text + "\n'tessera stages NAME' shows the parameters of one.\n";
}

std::string stage_detail(const StageEntry& entry) {
  std::string text = fmt::format("{}: {}\n\n  example  -s '{}'\n  exact    {}\n", entry.name, sentence(entry.help),
                                 entry.example, exactness_of(entry.exactness));
  if (!entry.parameters.empty()) text += "\n";
  for (std::size_t i = 0; i < entry.parameters.size(); ++i) {
    const Parameter& p = entry.parameters[i];
    text += fmt::format("  {:14} {}\n  {:14} {} (default: {}){}\n", p.name, p.help, "", range_of(p), default_of(p),
                        i == 0 ? "; may be given without its name" : "");
  }
  return text;
}

std::string stages_markdown() {
  std::string text;
  std::string_view group;
  for (const StageEntry& entry : catalogue()) {
    if (entry.group != group) text += fmt::format("### Stages: {}\n\n", entry.group);
    group = entry.group;
    text += fmt::format("#### {}\n\n{} For example `-s '{}'`; {}.\n\n{}\n", entry.name, sentence(entry.help),
                        entry.example, exactness_of(entry.exactness), parameter_rows(entry.parameters));
  }
  for (const Codec* codec : listed_codecs())
    text += fmt::format("### Format: {}\n\nExtensions {}. Settings of an output:\n\n{}\n", codec->name(),
                        fmt::join(codec->extensions(), ", "), parameter_rows(codec->encode_parameters()));
  return text;
}

}  // namespace tessera::pipeline
