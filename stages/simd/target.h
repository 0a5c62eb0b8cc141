// Which instruction set the row functions use. They are compiled once for each target that Highway knows for this
// processor family, and the best one that the machine offers is taken at the first call; all give the same bytes. This
// is how tests, and people who compare machines, take another one.
//
// The choice belongs to the process and is inherited by a fork. It is made before threads start.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tessera::stages {

/// The targets of this build that this machine can run, best first: "avx3", "avx2", "sse4", "ssse3", "scalar". The last
/// one is always there: no explicit vectors, only what the compiler makes of plain loops for any such processor.
std::vector<std::string> simd_targets();
/// The one in use.
std::string simd_target();
/// Throws std::invalid_argument with a sentence when this build or this machine has no such target.
void use_simd_target(std::string_view name);

}  // namespace tessera::stages
