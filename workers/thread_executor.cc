#include "workers/thread_executor.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cassert>

#include "workers/deadline.h"

namespace tessera::workers {

ThreadExecutor::ThreadExecutor(const Windows& windows, Run run, int slots)
    : run_(std::move(run)),
      view_(windows.map_for(1)),
      site_{view_, BoardReader(windows.board(), windows.count()), 1, static_cast<std::size_t>(slots), run_},
      held_(BoardWriter(windows.board(), windows.count()), 1, static_cast<std::size_t>(slots)),
      worker_{1, slots, slots, false},
      ready_(checked_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      threads_(std::make_unique<SlotThreads>(site_.slots, [this](std::size_t slot) { serve(slot); })) {}

ThreadExecutor::~ThreadExecutor() { stop(Clock::now()); }

void ThreadExecutor::start([[maybe_unused]] std::uint32_t window, const Job& job, std::span<const int> fds,
                           const Limits& limits) {
  assert(window == 1 && worker_.idle_slots > 0 && threads_);
  assert(fds.size() <= kMaxJobFds && job.block_count <= kMaxBlocks);
  const auto live = std::make_shared<LiveLimits>(limits);
  Queued queued{job, duplicate_all(fds), live};
  limits_.insert_or_assign(job.id, live);
  held_.add(job.id);
  --worker_.idle_slots;
  ++worker_.jobs;
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(queued));
  queue_changed_.notify_one();
}

void ThreadExecutor::serve(std::size_t slot) {
  for (;;) {
    Queued next;
    {
      std::unique_lock lock(mutex_);
      queue_changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    const Completion completion = run_job(
        site_, slot, next.job, next.fds, [this](const Progress& progress) { post(progress); }, next.limits.get());
    next.fds.clear();  // before anybody can know that the job is done
    post(completion);
  }
}

/// A job's newer progress replaces an older one that nobody has taken yet.
void ThreadExecutor::post(const Event& event) {
  const std::lock_guard lock(mutex_);
  if (const auto* const progress = std::get_if<Progress>(&event)) {
    for (Event& earlier : events_) {
      auto* const old = std::get_if<Progress>(&earlier);
      if (old == nullptr || old->id != progress->id) continue;
      *old = *progress;
      return;
    }
  }
  events_.push_back(event);
  ::eventfd_write(ready_.get(), 1);
}

bool ThreadExecutor::take_events(std::vector<Event>& out) {
  std::vector<Event> taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(events_);
    eventfd_t count = 0;
    if (ready_) ::eventfd_read(ready_.get(), &count);
  }
  for (const Event& event : taken) {
    const auto* const completion = std::get_if<Completion>(&event);
    if (completion == nullptr) continue;
    held_.remove(completion->id);
    limits_.erase(completion->id);
    if (threads_) ++worker_.idle_slots;
  }
  out.insert(out.end(), taken.begin(), taken.end());
  return !taken.empty();
}

void ThreadExecutor::set_limits(std::uint64_t job, const Limits& limits) {
  if (const auto found = limits_.find(job); found != limits_.end()) found->second->set(limits);
}

std::uint64_t ThreadExecutor::grown_bytes(std::uint32_t) const { return 0; }

void ThreadExecutor::wait(std::vector<Event>& out, Clock::time_point until) {
  while (!take_events(out) && ready_) {
    pollfd events{ready_.get(), POLLIN, 0};
    if (::poll(&events, 1, milliseconds_until(until)) == 0) return;
  }
}

void ThreadExecutor::stop(Clock::time_point drain_until) {
  if (!threads_) return;
  std::vector<Event> drained;
  while (held_.size() > 0 && Clock::now() < drain_until) wait(drained, drain_until);
  held_.cancel_all();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    queue_changed_.notify_all();
  }
  threads_.reset();
  events_.insert(events_.begin(), drained.begin(), drained.end());
  ready_.close();
  worker_.idle_slots = 0;
}

}  // namespace tessera::workers
