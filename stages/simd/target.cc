#include "stages/simd/target.h"

#include "stages/simd/vectors.h"
//
#include <fmt/format.h>
#include <hwy/highway.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace tessera::stages {
namespace {

constexpr std::int64_t kPlain = HWY_BASELINE_SCALAR;

std::string name_of(std::int64_t target) {
  if (target == kPlain) return "scalar";
  std::string name = hwy::TargetName(target);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

// Bits of better targets are lower; the machine's own answer is not changed by what is in use.
std::int64_t offered() {
  static const std::int64_t bits = (hwy::SupportedTargets() & HWY_TARGETS) | kPlain;
  return bits;
}

std::int64_t& forced() {
  static std::int64_t target = 0;
  return target;
}

std::vector<std::string> names_of(std::int64_t bits) {
  std::vector<std::string> names;
  for (; bits != 0; bits &= bits - 1) names.push_back(name_of(bits & -bits));
  return names;
}

}  // namespace

std::vector<std::string> simd_targets() { return names_of(offered()); }

std::string simd_target() { return name_of(forced() != 0 ? forced() : offered() & -offered()); }

void use_simd_target(std::string_view name) {
  const std::int64_t here = offered();
  for (std::int64_t bits = HWY_TARGETS | kPlain; bits != 0; bits &= bits - 1) {
    const std::int64_t target = bits & -bits;
    if (name_of(target) != name) continue;
    if ((here & target) == 0)
      throw std::invalid_argument(
          fmt::format("this processor has no {}; it has {}", name, fmt::join(names_of(here), ", ")));
    forced() = target;
    hwy::SetSupportedTargetsForTest(target);
    return;
  }
  throw std::invalid_argument(fmt::format("'{}' is no instruction set of this build; it has {}", name,
                                          fmt::join(names_of(HWY_TARGETS | kPlain), ", ")));
}

}  // namespace tessera::stages
