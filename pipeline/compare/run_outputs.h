// What a run left in its output folder.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pipeline/wire.h"

namespace tessera::pipeline {

/// Relative name -> XXH3-128 of the content, of every regular file outside .tessera. Outputs get their names when they
/// are whole, so whatever is there counts. Empty when there is no such folder.
std::map<std::string, Hash128> output_hashes(const std::string& folder);

/// How an image ended, by the run's manifest.
struct ImageEnd {
  std::string status, sentence;
  std::vector<std::string> outputs;  // relative names
};
/// By input. Empty when the run did not come to the point of writing one.
std::map<std::string, ImageEnd> image_ends(const std::string& folder);

}  // namespace tessera::pipeline
