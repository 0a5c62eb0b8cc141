// `run --stats`: where the slots' time went, added up job by job. Every moment of every slot belongs to exactly one of
// the rows, so they add up to slots x wall time, in every mode. It prints nothing: commands/run_stats_text.h does.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>

#include "pipeline/job_times.h"
#include "workers/executor.h"

namespace tessera::pipeline {

class RunStats {
 public:
  using Duration = workers::Clock::duration;
  using SlotKey = std::pair<std::uint32_t, std::uint32_t>;  // (window, slot)
  struct SlotWork {
    std::uint64_t jobs = 0;
    Duration busy{};
  };

  /// Slots wait for work from here on.
  void began(std::span<const workers::Executor::Worker>);
  void answered(const JobTime&);
  /// ... until here.
  void ended();

  /// From began() to ended().
  Duration wall() const { return ended_at_ - began_at_; }
  const std::map<SlotKey, SlotWork>& slots() const { return slots_; }
  /// wall() times slots: what all rows below add up to.
  Duration total() const { return wall() * static_cast<std::int64_t>(slots_.size()); }
  /// Time of done and declined jobs in step `index`, as phase_name() counts.
  Duration phase(std::size_t index) const { return phases_.at(index); }
  /// The rest of their time: from a job's start to its first step, and from its last step to its answer being heard.
  Duration handing_over() const { return handing_over_; }
  /// All of the time of jobs that failed, crashed, were cancelled or stopped.
  Duration unsuccessful() const { return unsuccessful_; }
  /// No job in the slot.
  Duration waiting() const;

  std::uint64_t jobs() const { return jobs_; }
  std::uint64_t jobs_declined() const { return declined_; }  // they asked for more memory
  std::uint64_t jobs_unsuccessful() const { return failed_; }
  std::uint64_t cpu_ns() const { return cpu_ns_; }  // of all jobs, as the slots measured it

 private:
  workers::Clock::time_point began_at_{}, ended_at_{};
  std::map<SlotKey, SlotWork> slots_;
  std::array<Duration, kPhases> phases_{};
  Duration handing_over_{}, unsuccessful_{};
  std::uint64_t jobs_ = 0, declined_ = 0, failed_ = 0, cpu_ns_ = 0;
};

}  // namespace tessera::pipeline
