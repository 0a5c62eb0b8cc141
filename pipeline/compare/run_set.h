// What every configuration of a comparison is given alike: the pictures, the recipe, the program, a place for outputs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

struct RunSet {
  std::string program;               // this executable
  std::vector<std::string> inputs;   // words of `tessera run` that name the pictures: paths, -r, --files-from FILE
  std::vector<std::string> limits;   // ... that bound them alike: --memory, --max-pixels, --timeout, as given
  std::vector<std::string> sources;  // what was named, for people
  std::vector<std::string> recipe_words, shown_inputs;  // the recipe's and the pictures' words as they were given
  std::vector<std::string> paths;                       // every picture, in the order of the run's list
  std::uint64_t bytes = 0;                              // of all of them
  std::string recipe_path;                              // the effective recipe, written into `work`
  std::string recipe_text, recipe_hash;
  std::string work;  // a folder of this comparison's own; gone with it

  /// {program, run, recipe_path, inputs..., limits..., -o output, flags...}
  std::vector<std::string> run_words(const std::string& output, const std::vector<std::string>& flags) const;
  /// The section "set", without "megapixels", which a run's trace tells.
  Json section() const;
};

/// For people to paste: words quoted for a shell, `program` as "tessera", recipe and pictures as they were given.
std::string shown_command(const RunSet&, const std::vector<std::string>& flags);

}  // namespace tessera::pipeline
