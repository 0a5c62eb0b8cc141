#include "pipeline/compare/run_set.h"

#include "pipeline/failure.h"

namespace tessera::pipeline {
namespace {

using Words = std::vector<std::string>;

void append(Words& words, const Words& more) { words.insert(words.end(), more.begin(), more.end()); }

}  // namespace

Words RunSet::run_words(const std::string& output, const Words& flags) const {
  Words words{program, "run", "--recipe", recipe_path, "-o", output};
  append(words, limits);
  append(words, flags);
  append(words, inputs);  // last: names may follow a "--"
  return words;
}

Json RunSet::section() const {
  return {{"sources", sources},
          {"images", paths.size()},
          {"bytes", bytes},
          {"recipe", recipe_text},
          {"recipe_hash", recipe_hash}};
}

std::string shown_command(const RunSet& set, const Words& flags) {
  Words words{"run"};
  append(words, set.recipe_words);
  append(words, {"-o", "OUTPUT"});
  append(words, set.limits);
  append(words, flags);
  append(words, set.shown_inputs);
  std::string command = "tessera";
  for (const std::string& word : words) command += " " + shell_word(word);
  return command;
}

}  // namespace tessera::pipeline
