#include "pipeline/run_stats.h"

#include <algorithm>

namespace tessera::pipeline {

void RunStats::began(std::span<const workers::Executor::Worker> all) {
  began_at_ = ended_at_ = workers::Clock::now();
  for (const auto& worker : all)
    for (int slot = 0; slot < worker.slots; ++slot) slots_[{worker.window, static_cast<std::uint32_t>(slot)}] = {};
}

void RunStats::answered(const JobTime& time) {
  const Duration took = time.end - time.begin;
  ++jobs_;
  cpu_ns_ += time.cpu_ns;
  SlotWork& slot = slots_[{time.start.window, time.slot}];
  ++slot.jobs;
  slot.busy += took;
  if (time.outcome != workers::Outcome::done && time.outcome != workers::Outcome::declined) {
    ++failed_;
    unsuccessful_ += took;
    return;
  }
  declined_ += time.outcome == workers::Outcome::declined;
  Duration stepped{};
  for (std::size_t i = 0; i < kPhases; ++i) {
    const std::chrono::microseconds phase(time.phases_us[i]);
    phases_[i] += phase;
    stepped += phase;
  }
  handing_over_ += took - stepped;
}

void RunStats::ended() { ended_at_ = workers::Clock::now(); }

RunStats::Duration RunStats::waiting() const {
  Duration busy{};
  for (const auto& [key, slot] : slots_) busy += slot.busy;
  return total() - busy;
}

}  // namespace tessera::pipeline
