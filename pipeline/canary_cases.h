// Small pieces of the work that jobs do, each of which says whether it came out right: every codec with every pixel
// format and setting, every stage. Pictures are painted here; nothing is read from outside.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pipeline/wire.h"

namespace tessera::pipeline {

struct CanaryCase {
  std::string what;  // "jpeg: bgr u8, progressive=true", "sharpen"
  /// `fd`: an empty file to write to and read from. Answers with a hash of the pixels that came out, the same wherever
  /// it runs. Throws std::exception when they are not what they should be.
  std::function<Hash128(int fd)> run;
};

/// From the codecs' own formats and parameters and the stages' own examples, so that nothing new is forgotten.
std::vector<CanaryCase> canary_cases();

}  // namespace tessera::pipeline
