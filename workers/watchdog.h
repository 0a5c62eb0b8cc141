// Who runs for too long. Pure bookkeeping: it is told the time and how much CPU time was used, and it ends nothing.
// Limits count from a job's start. CPU time is asked for as seldom as possible: one thread uses no more of it than goes
// by, so the next look can wait for as long as the job has left. A gap, in which nobody looked at all (the program was
// stopped, the machine slept, a disk was slow), does not count as wall time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "workers/job.h"

namespace tessera::workers {

class Watchdog {
 public:
  struct Running {
    std::uint64_t job = 0;
    std::uint32_t window = 0;
    Limits limits;
    Clock::time_point started;
    std::uint64_t cpu_base_ns = 0;  // its worker's CPU time at the start, for whoever answers CpuTime
  };
  struct Verdict {
    std::uint64_t job = 0;
    std::uint32_t window = 0;
    std::int32_t reason = 0;  // kCpuTime or kWallTime
  };
  /// CPU time that a job has used, in ns.
  using CpuTime = std::function<std::uint64_t(const Running&)>;

  /// Later than asked for by more than this is a gap.
  static constexpr auto kGap = std::chrono::seconds(1);

  void add(const Running&);
  void remove(std::uint64_t job) { running_.erase(job); }
  void remove_all(std::uint32_t window);
  /// Nothing when it does not run.
  void set_limits(std::uint64_t job, const Limits&);
  bool idle() const { return running_.empty(); }
  /// The worker whose job it is; 0: nobody's.
  std::uint32_t window_of(std::uint64_t job) const;
  /// Sum of what the running jobs of a worker were granted.
  std::uint64_t granted_bytes(std::uint32_t window) const;

  /// Told when its owner goes to sleep and until when, and when it is awake. Returns the gap, by which the wall limits
  /// of everything that runs are longer now; zero if there was none.
  void asleep_until(Clock::time_point until) { expected_ = until; }
  Clock::duration awake(Clock::time_point now);

  /// When look() may find something; time_point::max(): never.
  Clock::time_point next_look() const;
  /// The jobs that are over a limit, each until it is removed or its limits are raised.
  std::vector<Verdict> look(Clock::time_point now, const CpuTime&);
  /// True once for each limit of the job: something that it said, and that may raise its limits, must be heard first.
  bool may_defer(std::uint64_t job);

 private:
  struct Watched {
    Running running;
    Clock::time_point cpu_look;
    bool deferred = false;
  };
  static Clock::time_point wall_deadline(const Running&);
  static void plan_cpu_look(Watched&);
  std::map<std::uint64_t, Watched> running_;
  Clock::time_point expected_ = Clock::time_point::max();
};

}  // namespace tessera::workers
