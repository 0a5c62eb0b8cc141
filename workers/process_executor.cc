#include "workers/process_executor.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cassert>

#include "workers/deadline.h"

namespace tessera::workers {
namespace {

Fd make_timer() { return checked_fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create"); }

}  // namespace

ProcessExecutor::ProcessExecutor(Windows& windows, Arena& arena, Run run, const ExecutorOptions& options)
    : windows_(windows),
      arena_(arena),
      run_(std::move(run)),
      slots_(static_cast<std::size_t>(options.threads)),
      sandbox_(options.sandbox),
      worker_bytes_(options.worker_bytes != 0 ? options.worker_bytes : arena.budget() / windows.count()),
      epoll_(checked_fd(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      retry_timer_(make_timer()),
      look_timer_(make_timer()) {
  watch(retry_timer_.get(), Source::retry_timer, 0);
  watch(look_timer_.get(), Source::look_timer, 0);
  const BoardWriter board(windows.board(), windows.count());
  places_.reserve(windows.count());
  for (std::uint32_t window = 1; window <= windows.count(); ++window) {
    places_.emplace_back(HeldJobs(board, window, slots_));
    workers_.push_back({window, options.threads, 0, true});
  }
  for (std::uint32_t window = 1; window <= windows.count(); ++window) try_fork_into(window);
  wait_until_ready();
}

ProcessExecutor::~ProcessExecutor() {
  try {
    stop(Clock::now());
  } catch (const std::exception&) {
    // Whatever could not be done in order: each Child kills and reaps its process.
  }
}

void ProcessExecutor::wait_until_ready() {
  const auto is_starting = [](const Place& p) { return p.child && !p.ready; };
  const auto is_ready = [](const Place& p) { return p.ready; };
  while (std::ranges::any_of(places_, is_starting) || std::ranges::none_of(places_, is_ready))
    pump(Clock::time_point::max());
  events_.clear();  // nobody held anything yet: no loss to report
  became_ready_ = false;
}

void ProcessExecutor::update_idle(std::uint32_t window) {
  const Place& p = place(window);
  const bool takes_jobs = p.child && p.ready && !p.retiring && !p.condemned && p.overdue == 0 && !stopping_;
  workers_[window - 1].idle_slots = takes_jobs ? static_cast<int>(slots_ - p.held.size()) : 0;
}

void ProcessExecutor::start(std::uint32_t window, const Job& job, std::span<const int> fds, const Limits& limits) {
  assert(window >= 1 && window <= places_.size() && workers_[window - 1].idle_slots > 0);
  assert(fds.size() <= kMaxJobFds && job.block_count <= kMaxBlocks);
  Place& p = place(window);
  awake();
  if (p.held.size() == 0) {  // what it wrote from now on is this job's
    read_output(window);
    p.child.output().clear();
  }
  const bool first = watchdog_.idle();
  Watchdog::Running running{job.id, window, limits, Clock::now(), 0};
  if (limits.cpu_ms != 0 && slots_ == 1) running.cpu_base_ns = cpu_ns_of_process(p.child.pid()).value_or(0);
  watchdog_.add(running);
  p.held.add(job.id);
  update_data_limit(window);
  try {
    const Message message = make_message(MessageType::job, window, arena_.generation(window), job);
    // A peer that is gone is no error here: its death is on its way, and answers for this job too.
    if (p.child.channel().send(message, fds, Channel::Wait::no) == Channel::Sent::full)
      throw std::system_error(EAGAIN, std::generic_category(), "a worker's channel is full");
  } catch (...) {
    p.held.remove(job.id);
    watchdog_.remove(job.id);
    throw;
  }
  ++traffic_.messages_sent;
  traffic_.bytes += sizeof(Message);
  ++workers_[window - 1].jobs;
  update_idle(window);
  if (first) next_survey_ = running.started + kSurveyInterval;
  arm_look_timer();
}

void ProcessExecutor::wait(std::vector<Event>& out, Clock::time_point until) {
  const auto hand_over = [&] {
    out.insert(out.end(), events_.begin(), events_.end());
    const bool any = !events_.empty() || became_ready_;
    events_.clear();
    became_ready_ = false;
    return any;
  };
  while (!hand_over() && epoll_) {
    try {
      pump(until);
    } catch (...) {
      hand_over();
      throw;
    }
    if (Clock::now() >= until) {
      hand_over();
      return;
    }
  }
}

void ProcessExecutor::watch(int fd, Source source, std::uint32_t window) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = std::uint64_t{window} << 3 | static_cast<std::uint64_t>(source);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) throw_errno("epoll_ctl");
}

void ProcessExecutor::pump(Clock::time_point until) {
  std::array<epoll_event, 64> ready;
  awake();
  watchdog_.asleep_until(std::min(until, look_at_));
  const int count = ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), milliseconds_until(until));
  if (count < 0 && errno != EINTR) throw_errno("epoll_wait");
  awake();
  for (int i = 0; i < count; ++i) {
    const std::uint64_t data = ready[static_cast<std::size_t>(i)].data.u64;
    handle(static_cast<Source>(data & 7), static_cast<std::uint32_t>(data >> 3));
  }
}

void ProcessExecutor::handle(Source source, std::uint32_t window) {
  switch (source) {
    case Source::channel:
      return read_channel(window);
    case Source::pidfd:
      return bury_if_dead(window);
    case Source::output:
      return read_output(window);
    case Source::retry_timer:
      return fork_missing();
    case Source::look_timer:
      return look();
  }
}

void ProcessExecutor::read_output(std::uint32_t window) {
  Place& p = place(window);
  if (!p.child || p.child.output().fd() < 0 || p.child.output().take()) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, p.child.output().fd(), nullptr);
  p.child.output().close();
}

void ProcessExecutor::read_channel(std::uint32_t window) {
  constexpr int kAtOnce = 64;  // the others want to be heard, too
  const Place& p = place(window);
  Message message;
  for (int i = 0; i < kAtOnce && p.child && !p.condemned; ++i) {
    const Channel::Received received = p.child.channel().receive(message, received_, Channel::Wait::no);
    if (received == Channel::Received::nothing) return;
    if (received == Channel::Received::closed) return condemn(window, "it closed its channel");
    if (received != Channel::Received::message || !accept(window, message))
      return condemn(window, "it sent something that is not a message of its own");
  }
}

/// Every field that a worker sends is checked against what this worker may say now.
bool ProcessExecutor::accept(std::uint32_t window, const Message& message) {
  ++traffic_.messages_received;
  traffic_.bytes += sizeof(Message);
  Place& p = place(window);
  if (!received_.empty() || message.window != window || message.generation != arena_.generation(window)) return false;
  if ((message.type == MessageType::ready) == p.ready) return false;  // first of all, and once
  switch (message.type) {
    case MessageType::ready:
      p.ready = became_ready_ = true;
      p.at_ready = ProcessMemory::of(p.child.pid()).value_or(ProcessMemory());
      update_data_limit(window);
      early_deaths_ = 0;
      update_idle(window);
      leave_when_idle(window);
      return true;
    case MessageType::completion:
      return accept_completion(window, message.as<Completion>());
    case MessageType::progress: {
      const auto progress = message.as<Progress>();
      if (!p.held.holds(progress.id)) return false;
      events_.emplace_back(progress);
      return true;
    }
    case MessageType::job:
      return false;
  }
  return false;
}

bool ProcessExecutor::accept_completion(std::uint32_t window, Completion completion) {
  switch (completion.outcome) {
    case Outcome::done:
    case Outcome::declined:
    case Outcome::failed:
    case Outcome::cancelled:
      break;
    default:
      return false;  // the others are not a worker's to say
  }
  if (completion.slot >= slots_ || !place(window).held.remove(completion.id)) return false;
  watchdog_.remove(completion.id);
  update_data_limit(window);
  completion.signal = 0;
  completion.breadcrumb = 0;
  completion.suspects = 0;
  completion.unused = {};
  events_.emplace_back(completion);
  update_idle(window);
  leave_when_idle(window);
  return true;
}

void ProcessExecutor::cancel(std::uint64_t job) {
  for (const Place& p : places_)
    if (p.held.cancel(job)) return;
}

void ProcessExecutor::retire(std::uint32_t window) {
  assert(window >= 1 && window <= places_.size());
  if (!place(window).child) return;  // a fresh one is coming anyway
  place(window).retiring = true;
  update_idle(window);
  leave_when_idle(window);
}

/// EOF makes the worker leave by itself; bury_if_dead does the rest.
void ProcessExecutor::leave_when_idle(std::uint32_t window) {
  const Place& p = place(window);
  if (p.child && p.ready && p.retiring && p.held.size() == 0) p.child.channel().shut_sending();
}

/// Drains while jobs run; then everybody who is left is killed: the idle ones hold nothing.
void ProcessExecutor::stop(Clock::time_point drain_until) {
  if (!epoll_) return;
  stopping_ = true;
  for (std::uint32_t window = 1; window <= places_.size(); ++window) update_idle(window);
  const auto is_busy = [](const Place& p) { return p.held.size() > 0; };
  while (std::ranges::any_of(places_, is_busy) && Clock::now() < drain_until) pump(drain_until);
  for (const Place& p : places_) p.child.kill();
  while (std::ranges::any_of(places_, [](const Place& p) { return static_cast<bool>(p.child); }))
    pump(Clock::time_point::max());
  retry_timer_.close();
  look_timer_.close();
  epoll_.close();
}

}  // namespace tessera::workers
