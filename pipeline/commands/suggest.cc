#include "pipeline/commands/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "stages/values.h"

namespace tessera::pipeline {
namespace {

std::string nearest_of(std::string_view word, const std::vector<std::string>& known) {
  if (std::ranges::find(known, word) != known.end()) return "";
  const std::vector<std::string_view> views(known.begin(), known.end());
  const std::string_view near = stages::nearest(word, views);
  return near.empty() ? "" : fmt::format("did you mean '{}'?", near);
}

std::vector<std::string> long_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

}  // namespace

std::string suggestion(const CLI::App& program, int argc, const char* const* argv) {
  if (argc < 2) return "";
  std::vector<std::string> commands;
  const CLI::App* chosen = nullptr;
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(command->get_name());
    if (command->get_name() == argv[1]) chosen = command;
  }
  if (!chosen) return nearest_of(argv[1], argv[1][0] == '-' ? long_options(program) : commands);
  int first = 2;
  for (const CLI::App* inner : chosen->get_subcommands([](const CLI::App*) { return true; }))
    if (argc > 2 && inner->get_name() == argv[2]) chosen = inner, first = 3;
  const std::vector<std::string> options = long_options(*chosen);
  for (int i = first; i < argc; ++i) {
    const std::string_view word(argv[i]);
    if (word == "--") break;
    if (!word.starts_with("--")) continue;
    if (std::string found = nearest_of(word.substr(0, word.find('=')), options); !found.empty()) return found;
  }
  return "";
}

}  // namespace tessera::pipeline
