// The limits of a job that runs in this process: one thread may change them while another runs the job.
#pragma once

#include <atomic>
#include <cstdint>

#include "workers/job.h"

namespace tessera::workers {

class LiveLimits {
 public:
  explicit LiveLimits(const Limits& limits) { set(limits); }
  void set(const Limits& limits) {
    cpu_ms_.store(limits.cpu_ms, std::memory_order_relaxed);
    wall_ms_.store(limits.wall_ms, std::memory_order_relaxed);
  }
  /// The reason of Outcome::timed_out; 0: within the limits.
  std::int32_t exceeded(std::uint64_t cpu_ns, Clock::duration wall) const {
    const std::uint32_t cpu_ms = cpu_ms_.load(std::memory_order_relaxed);
    const std::uint32_t wall_ms = wall_ms_.load(std::memory_order_relaxed);
    if (cpu_ms != 0 && cpu_ns >= std::uint64_t{cpu_ms} * 1'000'000) return kCpuTime;
    return wall_ms != 0 && wall >= std::chrono::milliseconds(wall_ms) ? kWallTime : 0;
  }

 private:
  std::atomic<std::uint32_t> cpu_ms_{0}, wall_ms_{0};
};

}  // namespace tessera::workers
