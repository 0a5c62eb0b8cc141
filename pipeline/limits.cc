#include "pipeline/limits.h"

#include <algorithm>
#include <limits>

namespace tessera::pipeline {
namespace {

constexpr std::uint64_t kBaseMs = 5000;
constexpr std::uint64_t kPixelsPerMs = 1000;  // and step: most take 10 to 100 ns a pixel on a machine of 2024
constexpr std::uint64_t kWallFactor = 4, kWallBaseMs = 10'000, kWallBaseOfTimeoutMs = 2000;
constexpr std::uint64_t kClaimUnit = 1024;

std::uint32_t to_ms(std::uint64_t ms) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(ms, std::numeric_limits<std::uint32_t>::max()));
}

std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::uint64_t>::max() / 8 : product;
}

}  // namespace

workers::Limits limits_for(const TimeLimit& limit, std::uint64_t pixels, std::uint64_t steps,
                           std::uint64_t private_bytes) {
  workers::Limits limits;
  limits.private_bytes = private_bytes;
  if (limit.timeout && limit.timeout->count() == 0) return limits;
  if (limit.timeout) {
    const auto ms = static_cast<std::uint64_t>(limit.timeout->count());
    limits.cpu_ms = to_ms(ms);
    limits.wall_ms = to_ms(times(ms, kWallFactor) + kWallBaseOfTimeoutMs);
  } else {
    const std::uint64_t ms = kBaseMs + times(pixels, steps) / kPixelsPerMs;
    limits.cpu_ms = to_ms(ms);
    limits.wall_ms = to_ms(times(ms, kWallFactor) + kWallBaseMs);
  }
  return limits;
}

workers::Limits limits_there(const TimeLimit& limit, workers::Limits limits, bool isolated) {
  if (!isolated && !limit.timeout) limits.cpu_ms = limits.wall_ms = 0;
  return limits;
}

std::uint64_t steps_of(const Recipe& recipe) {
  std::uint64_t steps = recipe.outputs.size();
  const auto add = [&](const std::vector<StageSpec>& stages) {
    for (const StageSpec& spec : stages) steps += spec.stage->slowness();
  };
  add(recipe.common);
  for (const OutputSpec& output : recipe.outputs) add(output.stages);
  return steps;
}

std::uint64_t steps_of(const Pass& pass) {
  std::uint64_t steps = 1;
  for (const Step& step : pass.steps) steps += step.stage ? step.stage->slowness() : 1;
  return steps;
}

std::uint64_t pixels_of(const stages::ImageInfo& info) {
  return static_cast<std::uint64_t>(info.width) * static_cast<std::uint64_t>(info.height);
}

std::uint64_t pixels_of(const Pass& pass) { return std::max(pixels_of(pass.input), pixels_of(pass.output)); }

std::uint64_t pixels_of(const ImagePlan& plan) {
  // Scaled decoding reads the whole file all the same, and stages between an input and an output may be larger than
  // both: passes are cut where that costs a frame.
  std::uint64_t most = 0;
  for (const Pass& pass : plan.passes) most = std::max(most, pixels_of(pass));
  for (const stages::ImageInfo& frame : plan.frames) most = std::max(most, pixels_of(frame));
  return most;
}

std::uint32_t claim_of(std::uint64_t pixels) {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>((pixels + kClaimUnit - 1) / kClaimUnit, std::numeric_limits<std::uint32_t>::max()));
}

std::uint64_t pixels_claimed(std::uint32_t claim, std::uint64_t most) {
  return std::min(std::uint64_t{claim} * kClaimUnit, most);
}

}  // namespace tessera::pipeline
