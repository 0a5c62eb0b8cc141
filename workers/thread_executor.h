// T slots in this process: oneTBB threads that take jobs from one queue. No isolation: a crash is everybody's.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

#include "workers/executor.h"
#include "workers/held_jobs.h"
#include "workers/slot.h"
#include "workers/slot_threads.h"

namespace tessera::workers {

class ThreadExecutor final : public Executor {
 public:
  /// Window 1 is shared by all slots. `run` is called in several threads at once.
  ThreadExecutor(const Windows&, Run, int slots);
  ~ThreadExecutor() override;

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
  struct Queued {
    Job job;
    std::vector<Fd> fds;
    std::shared_ptr<const LiveLimits> limits;
  };
  void serve(std::size_t slot);
  void post(const Event&);
  bool take_events(std::vector<Event>& out);

  Run run_;
  Windows::View view_;
  Site site_;
  HeldJobs held_;                                                // the caller's thread only
  std::map<std::uint64_t, std::shared_ptr<LiveLimits>> limits_;  // by job; the map is the caller's thread's only
  Worker worker_;
  Fd ready_;
  std::mutex mutex_;
  std::condition_variable queue_changed_;
  std::deque<Queued> queue_;
  std::vector<Event> events_;
  bool stopping_ = false;
  std::unique_ptr<SlotThreads> threads_;
};

}  // namespace tessera::workers
