// How each image of a run ended, for whoever compares runs.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tessera::pipeline {

/// How an image ended, by the run's manifest.
struct ImageEnd {
  std::string status, sentence;
  std::vector<std::string> outputs;  // relative names
};
/// By input. Empty when the run did not come to the point of writing one.
std::map<std::string, ImageEnd> image_ends(const std::string& folder);

}  // namespace tessera::pipeline
