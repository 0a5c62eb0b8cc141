// One slot in the calling thread: start() keeps the job, wait() runs it. The reference for every other executor.
#pragma once

#include <optional>

#include "workers/arena.h"
#include "workers/executor.h"
#include "workers/held_jobs.h"
#include "workers/slot.h"

namespace tessera::workers {

class SerialExecutor final : public Executor {
 public:
  /// Window 1 is its own.
  SerialExecutor(const Windows&, Run);

  std::span<const Worker> workers() const override { return {&worker_, 1}; }
  void start(std::uint32_t window, const Job&, std::span<const int> fds, const Limits&) override;
  void set_limits(std::uint64_t job, const Limits&) override;
  std::uint64_t grown_bytes(std::uint32_t window) const override;
  int ready_fd() const override { return ready_.get(); }
  void wait(std::vector<Event>& out, Clock::time_point until) override;
  void cancel(std::uint64_t job) override { held_.cancel(job); }
  void retire(std::uint32_t) override {}
  void stop(Clock::time_point drain_until) override;
  Traffic traffic() const override { return {}; }

 private:
  void run_held(std::vector<Event>& out);
  Run run_;
  Windows::View view_;
  Site site_;
  HeldJobs held_;
  Worker worker_;
  Fd ready_;
  std::optional<Job> job_;
  LiveLimits limits_{{}};
  std::vector<Fd> fds_;
};

}  // namespace tessera::workers
