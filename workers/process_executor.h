// The coordinator's side of forked workers: P workers with one slot each, or with T (hybrid). Single-threaded; one
// epoll holds every worker's channel, pidfd and output. A worker that dies, or is killed because it breaks the
// protocol, runs past the limits of a job or takes memory that nobody leased to it, is drained, reaped, its window
// forgotten, its jobs answered, and replaced.
#pragma once

#include <string>

#include "workers/child.h"
#include "workers/executor.h"
#include "workers/held_jobs.h"
#include "workers/proc.h"
#include "workers/watchdog.h"

namespace tessera::workers {

class ProcessExecutor final : public Executor {
 public:
  /// One worker for each window; returns when they are ready.
  ProcessExecutor(Windows&, Arena&, Run, const ExecutorOptions&);
  ~ProcessExecutor() override;

  std::span<const Worker> workers() const override { return workers_; }
  void start(std::uint32_t window, const Job&, std::span<const int> fds, const Limits&) override;
  void set_limits(std::uint64_t job, const Limits&) override;
  std::uint64_t grown_bytes(std::uint32_t window) const override;
  int ready_fd() const override { return epoll_.get(); }
  void wait(std::vector<Event>& out, Clock::time_point until) override;
  void cancel(std::uint64_t job) override;
  void retire(std::uint32_t window) override;
  void stop(Clock::time_point drain_until) override;
  Traffic traffic() const override { return traffic_; }

 private:
  struct Place {  // a worker's place: the child in it changes
    explicit Place(HeldJobs jobs) : held(std::move(jobs)) {}
    Child child;
    HeldJobs held;
    bool ready = false;
    bool retiring = false;            // takes no more jobs, leaves once it is idle
    bool condemned = false;           // killed by us; nothing it says counts any more
    std::string verdict;              // why it was condemned
    std::uint64_t overdue = 0;        // the job for whose limits it was killed; what it has said still counts
    std::int32_t overdue_reason = 0;  // kCpuTime or kWallTime
    Clock::time_point must_be_ready;
    ProcessMemory at_ready;
    std::uint64_t data_limit = 0;  // as it was set last
  };

  /// How often windows and starting workers are looked at while jobs run. A worker can fill some 500 MB in that time.
  static constexpr auto kSurveyInterval = std::chrono::milliseconds(250);
  /// ... and while none does: a worker that a picture has taken over needs no job to fill its window.
  static constexpr auto kIdleSurveyInterval = std::chrono::seconds(1);

  enum class Source : std::uint64_t { channel, pidfd, output, retry_timer, look_timer };  // of an epoll event

  Place& place(std::uint32_t window) { return places_[window - 1]; }
  void update_idle(std::uint32_t window);

  void fork_into(std::uint32_t window);
  void try_fork_into(std::uint32_t window);
  void fork_missing();
  void wait_until_ready();

  void watch(int fd, Source, std::uint32_t window);
  void pump(Clock::time_point until);
  void handle(Source, std::uint32_t window);
  void read_channel(std::uint32_t window);
  void read_output(std::uint32_t window);
  bool accept(std::uint32_t window, const Message&);
  bool accept_completion(std::uint32_t window, Completion);
  void condemn(std::uint32_t window, const char* verdict);
  void leave_when_idle(std::uint32_t window);

  void awake();
  void arm_look_timer();
  void look();
  void judge(const Watchdog::Verdict&);
  void survey(Clock::time_point now);
  std::uint64_t cpu_time(const Watchdog::Running&) const;
  void update_data_limit(std::uint32_t window);

  void bury_if_dead(std::uint32_t window);
  void drain(std::uint32_t window);
  void answer_for_the_dead(std::uint32_t window, const Death&);
  static void set_outcome(Completion&, const Place&, const Death&);
  void count_early_death(std::uint32_t window, const Death&, const std::string& output);
  void stop_watching(Place&);

  Windows& windows_;
  Arena& arena_;
  Run run_;
  std::size_t slots_;
  Sandbox sandbox_;
  std::uint64_t worker_bytes_;
  Fd epoll_, retry_timer_, look_timer_;
  Watchdog watchdog_;
  Clock::time_point next_survey_{}, look_at_ = Clock::time_point::max();  // look_at_: what the timer is set to
  std::vector<Place> places_;
  std::vector<Worker> workers_;
  std::vector<Event> events_;
  Traffic traffic_;
  std::vector<Fd> received_;  // descriptors beside a message: a worker has no right to send any
  int early_deaths_ = 0, failed_forks_ = 0;
  bool became_ready_ = false, stopping_ = false;
};

}  // namespace tessera::workers
