#include "pipeline/job_times.h"

#include <algorithm>

namespace tessera::pipeline {
using workers::Clock;

void JobTimes::started(JobStart start) {
  const std::uint64_t job = start.job;
  running_.emplace(job, Running{std::move(start), Clock::now()});
}

std::optional<JobTime> JobTimes::answered(const workers::Completion& completion) {
  const auto found = running_.find(completion.id);
  if (found == running_.end()) return std::nullopt;
  JobTime time;
  time.start = std::move(found->second.start);
  time.slot = completion.slot;
  time.outcome = completion.outcome;
  time.cpu_ns = completion.cpu_ns;
  time.end = Clock::now();
  Clock::time_point& free_since = free_since_[{time.start.window, time.slot}];
  time.begin = std::max(found->second.begin, free_since);
  free_since = time.end;
  running_.erase(found);
  if (time.outcome == workers::Outcome::done || time.outcome == workers::Outcome::declined) {
    auto left = std::chrono::duration_cast<std::chrono::microseconds>(time.end - time.begin).count();
    const auto said = get_payload<CompletionPayload>(completion.payload).phases_us;
    for (std::size_t i = 0; i < kPhases; ++i) {
      const auto believed = std::min<std::int64_t>(said[i], left);
      left -= believed;
      time.phases_us[i] = static_cast<std::uint32_t>(believed);
    }
  }
  return time;
}

}  // namespace tessera::pipeline
