// How workers come and go: the second half of ProcessExecutor.
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>

#include "workers/process_executor.h"
#include "workers/slot.h"
#include "workers/status_page.h"

namespace tessera::workers {
namespace {

constexpr int kMaxEarlyDeaths = 3;
constexpr int kMaxFailedForks = 50;  // in a row, while there is no worker at all: about 5 s
constexpr long kForkRetryNs = 100'000'000;

std::string describe(const Death& death) {
  return death.signal != 0 ? fmt::format("of signal {}", death.signal)
                           : fmt::format("with exit code {}", death.exit_code);
}

}  // namespace

void ProcessExecutor::fork_into(std::uint32_t window) {
  Place& p = place(window);
  p.child = Child::fork_worker({windows_, run_, window, arena_.generation(window), slots_, sandbox_});
  p.ready = p.retiring = p.condemned = false;
  p.verdict.clear();
  ++traffic_.forks;
  watch(p.child.pidfd(), Source::pidfd, window);
  watch(p.child.channel().fd(), Source::channel, window);
}

/// No room for a process right now is not the end: the others go on, and it is tried again.
void ProcessExecutor::try_fork_into(std::uint32_t window) {
  try {
    fork_into(window);
    failed_forks_ = 0;
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::resource_unavailable_try_again && error.code() != std::errc::not_enough_memory)
      throw;
    const bool any_left = std::ranges::any_of(places_, [](const Place& p) { return static_cast<bool>(p.child); });
    if (!any_left && ++failed_forks_ > kMaxFailedForks) throw;
    const itimerspec later{{0, 0}, {0, kForkRetryNs}};
    if (::timerfd_settime(retry_timer_.get(), 0, &later, nullptr) != 0) throw_errno("timerfd_settime");
  }
}

void ProcessExecutor::fork_missing() {
  const itimerspec never{};
  if (::timerfd_settime(retry_timer_.get(), 0, &never, nullptr) != 0) throw_errno("timerfd_settime");
  for (std::uint32_t window = 1; window <= places_.size(); ++window)
    if (!place(window).child && !stopping_) try_fork_into(window);
}

/// It is dead to us from here on. Its pidfd will say so, and its jobs are answered then.
void ProcessExecutor::condemn(std::uint32_t window, const char* verdict) {
  Place& p = place(window);
  p.condemned = true;
  p.verdict = verdict;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, p.child.channel().fd(), nullptr);
  p.child.kill();
  update_idle(window);
}

void ProcessExecutor::bury_if_dead(std::uint32_t window) {
  Place& p = place(window);
  if (!p.child) return;
  const auto death = p.child.reap();
  if (!death) return;
  drain(window);
  ++traffic_.deaths;
  const bool was_ready = p.ready, was_idle = p.held.size() == 0;
  // At stop an idle worker's blocks stay what they are: nobody will write its window again.
  if (!stopping_ || !was_idle) answer_for_the_dead(window, *death);
  stop_watching(p);
  p.child.forget();
  p.ready = false;
  update_idle(window);
  if (stopping_) return;
  if (!was_ready) count_early_death(window, *death);
  try_fork_into(window);
}

/// What it had sent before it died counts. Every process that could send is gone, so "nothing" is the end as well:
/// EOF may be late while a fresh sibling still holds a copy of the other end.
void ProcessExecutor::drain(std::uint32_t window) {
  const Place& p = place(window);
  Message message;
  while (!p.condemned && p.child.channel().receive(message, received_, Channel::Wait::no) == Channel::Received::message)
    if (!accept(window, message)) return;
}

void ProcessExecutor::answer_for_the_dead(std::uint32_t window, const Death& death) {
  Place& p = place(window);
  const std::vector<LastStep> steps = read_status_page(windows_, window, slots_);
  arena_.forget(window);
  events_.emplace_back(WindowLost{window, {}});
  for (const std::uint64_t id : p.held.ids()) {
    Completion completion;
    completion.id = id;
    completion.outcome = Outcome::crashed;
    completion.signal = death.signal;
    completion.reason = death.exit_code;
    const auto step = std::ranges::find(steps, id, &LastStep::job);
    if (step != steps.end()) completion.breadcrumb = step->breadcrumb;
    if (p.condemned) set_text(completion, fmt::format("the worker was killed: {}", p.verdict).c_str());
    p.held.remove(id);
    events_.emplace_back(completion);
  }
}

void ProcessExecutor::count_early_death(std::uint32_t window, const Death& death) {
  if (++early_deaths_ < kMaxEarlyDeaths) return;
  throw std::runtime_error(
      fmt::format("{} workers in a row died before they were ready; the last one, of window {}, died {}.",
                  early_deaths_, window, describe(death)));
}

/// By name, before the descriptors are closed: epoll keeps what a sibling has a copy of.
void ProcessExecutor::stop_watching(const Place& p) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, p.child.pidfd(), nullptr);
  if (!p.condemned) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, p.child.channel().fd(), nullptr);
}

}  // namespace tessera::workers
