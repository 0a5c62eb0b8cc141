// How much time a job gets before it counts as hung: processor time in proportion to its pixels, and a looser limit by
// the clock, so that a loaded machine kills nobody. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "pipeline/plan.h"
#include "workers/job.h"

namespace tessera::pipeline {

struct TimeLimit {
  /// Empty: by the image's pixels. 0: none.
  std::optional<std::chrono::milliseconds> timeout;
};

/// CPU: the time-out, or 5 s and a microsecond for each pixel and step. Wall: four times that and 2 s, or 10 s without a
/// time-out. `steps`: what is done to each pixel, decoding included; a slow stage counts several times.
workers::Limits limits_for(const TimeLimit&, std::uint64_t pixels, std::uint64_t steps, std::uint64_t private_bytes);

/// In this process a job that is over its limits can only be asked to stop, and limits by pixels may be raised too late
/// (serial: by the thread that runs the job). There only a time-out that somebody asked for counts.
workers::Limits limits_there(const TimeLimit&, workers::Limits, bool isolated);

/// Stages of the recipe and its outputs, or of a pass: what limits_for() calls steps.
std::uint64_t steps_of(const Recipe&);
std::uint64_t steps_of(const Pass&);
/// The largest image that the plan decodes, computes or encodes.
std::uint64_t pixels_of(const ImagePlan&);
std::uint64_t pixels_of(const Pass&);
std::uint64_t pixels_of(const stages::ImageInfo&);

/// What a worker says it has before it, in units of 1024 pixels, and what is believed of it: at most `most` pixels.
std::uint32_t claim_of(std::uint64_t pixels);
std::uint64_t pixels_claimed(std::uint32_t claim, std::uint64_t most);

}  // namespace tessera::pipeline
