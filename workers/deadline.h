// Time points for calls that take milliseconds.
#pragma once

#include <limits>

#include "workers/job.h"

namespace tessera::workers {

/// For poll and epoll_wait: rounded up, so that nobody wakes early and spins; -1 (for ever) for time_point::max().
inline int milliseconds_until(Clock::time_point until) {
  if (until == Clock::time_point::max()) return -1;
  const Clock::time_point now = Clock::now();
  if (until <= now) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max()));
}

}  // namespace tessera::workers
