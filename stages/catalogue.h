// All stages that exist. Command-line help, recipe validation and the reference in README.md are generated from here.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "stages/stage.h"
#include "stages/values.h"

namespace tessera::stages {

struct StageEntry {
  std::string_view name;     // "resize"
  std::string_view group;    // "geometry", "tone", "detail"
  std::string_view help;     // one line
  std::string_view example;  // as after -s: "resize 1600x1600> filter=lanczos3"
  Exactness exactness;       // worst over all formats
  std::vector<Parameter> parameters;  // the first may be given without its name
  /// Throws std::invalid_argument for combinations that the single parameters cannot show to be wrong.
  std::unique_ptr<const Stage> (*make)(const Values&);
};

const std::vector<StageEntry>& catalogue();
const StageEntry* find_stage(std::string_view name);  // nullptr if unknown

// The folders' own lists, in the order of the documentation.
std::vector<StageEntry> geometry_stages();
std::vector<StageEntry> tone_stages();
std::vector<StageEntry> detail_stages();

}  // namespace tessera::stages
