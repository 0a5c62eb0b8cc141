#include "workers/serial_executor.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <cassert>

#include "workers/deadline.h"

namespace tessera::workers {

SerialExecutor::SerialExecutor(const Windows& windows, Run run)
    : run_(std::move(run)),
      view_(windows.map_for(1)),
      site_{view_, BoardReader(windows.board(), windows.count()), 1, 1, run_},
      held_(BoardWriter(windows.board(), windows.count()), 1, 1),
      worker_{1, 1, 1, false},
      ready_(checked_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {}

void SerialExecutor::start([[maybe_unused]] std::uint32_t window, const Job& job, std::span<const int> fds,
                           const Limits& limits) {
  assert(window == 1 && worker_.idle_slots == 1 && ready_);
  assert(fds.size() <= kMaxJobFds && job.block_count <= kMaxBlocks);
  fds_ = duplicate_all(fds);
  job_ = job;
  limits_.set(limits);
  held_.add(job.id);
  worker_.idle_slots = 0;
  ++worker_.jobs;
  ::eventfd_write(ready_.get(), 1);
}

void SerialExecutor::set_limits(std::uint64_t job, const Limits& limits) {
  if (held_.holds(job)) limits_.set(limits);
}

std::uint64_t SerialExecutor::grown_bytes(std::uint32_t) const { return 0; }

void SerialExecutor::wait(std::vector<Event>& out, Clock::time_point until) {
  if (job_) {
    run_held(out);
  } else if (ready_) {
    pollfd nothing{ready_.get(), POLLIN, 0};
    ::poll(&nothing, 1, milliseconds_until(until));  // nobody writes while this thread is here: it is a pause
  }
}

void SerialExecutor::run_held(std::vector<Event>& out) {
  out.emplace_back(run_job(
      site_, 0, *job_, fds_, [&out](const Progress& progress) { out.emplace_back(progress); }, &limits_));
  held_.remove(job_->id);
  job_.reset();
  fds_.clear();
  eventfd_t count = 0;
  if (ready_) {
    ::eventfd_read(ready_.get(), &count);
    worker_.idle_slots = 1;
  }
}

/// The job that was started and not yet run is run by the wait() after this; past the deadline it runs as cancelled.
void SerialExecutor::stop(Clock::time_point drain_until) {
  if (job_ && Clock::now() >= drain_until) held_.cancel(job_->id);
  ready_.close();
  worker_.idle_slots = 0;
}

}  // namespace tessera::workers
