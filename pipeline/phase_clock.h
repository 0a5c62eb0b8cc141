// How long a job was in each of its steps, by the wall. Of one thread.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>

#include "pipeline/breadcrumb.h"

namespace tessera::pipeline {

class PhaseClock {
 public:
  /// Where the job is from now on; all time until now was that of the step before.
  void enter(std::uint64_t breadcrumb) {
    const Clock::time_point now = Clock::now();
    spent_.at(index(breadcrumb_)) += now - since_;
    since_ = now;
    breadcrumb_ = breadcrumb;
  }
  /// By phase, in microseconds. Time before the first phase belongs to none.
  std::array<std::uint32_t, kPhases> microseconds() {
    enter(breadcrumb_);
    std::array<std::uint32_t, kPhases> result{};
    for (std::size_t i = 0; i < kPhases; ++i) {
      const auto us = std::chrono::duration_cast<std::chrono::microseconds>(spent_[i + 1]).count();
      constexpr auto kMost = std::numeric_limits<std::uint32_t>::max();
      result[i] = static_cast<std::uint32_t>(std::min<std::int64_t>(us, kMost));
    }
    return result;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static_assert(static_cast<std::size_t>(JobStep::finish) - static_cast<std::size_t>(JobStep::probe) + 1 == kPhases);
  static std::size_t index(std::uint64_t breadcrumb) {
    return static_cast<std::size_t>(step_of(breadcrumb)) - static_cast<std::size_t>(JobStep::start);
  }
  std::array<Clock::duration, kPhases + 1> spent_{};  // [step], start first
  std::uint64_t breadcrumb_ = breadcrumb_of(JobStep::start);
  Clock::time_point since_ = Clock::now();
};

}  // namespace tessera::pipeline
