// How workers come and go: the second half of ProcessExecutor.
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "workers/process_executor.h"
#include "workers/slot.h"
#include "workers/status_page.h"

namespace tessera::workers {
namespace {

constexpr int kMaxEarlyDeaths = 3;
constexpr int kMaxFailedForks = 50;  // in a row, while there is no worker at all: about 5 s
constexpr long kForkRetryNs = 100'000'000;
constexpr auto kMustBeReady = std::chrono::seconds(60);

std::string describe(const Death& death) {
  return death.signal != 0 ? fmt::format("of signal {}", death.signal)
                           : fmt::format("with exit code {}", death.exit_code);
}

/// In one line, and with nothing that a terminal would obey.
std::string quote(std::string output) {
  while (!output.empty() && output.back() == '\n') output.pop_back();
  std::ranges::replace_if(
      output, [](unsigned char c) { return c < ' ' || c == 127; }, ' ');
  return output.empty() ? output : fmt::format(" It wrote: {}", output);
}

/// Processes, memory or descriptors that others give back.
bool may_pass(const std::error_code& error) {
  constexpr std::array kPassing = {std::errc::resource_unavailable_try_again, std::errc::not_enough_memory,
                                   std::errc::too_many_files_open, std::errc::too_many_files_open_in_system};
  return std::ranges::any_of(kPassing, [&](std::errc passing) { return error == passing; });
}

}  // namespace

void ProcessExecutor::fork_into(std::uint32_t window) {
  Place& p = place(window);
  Child child = Child::fork_worker({windows_, run_, window, arena_.generation(window), slots_, sandbox_});
  watch(child.pidfd(), Source::pidfd, window);
  watch(child.channel().fd(), Source::channel, window);
  watch(child.output().fd(), Source::output, window);
  p.child = std::move(child);
  p.ready = p.retiring = p.condemned = false;
  p.verdict.clear();
  p.overdue = 0;
  p.data_limit = 0;
  p.must_be_ready = Clock::now() + kMustBeReady;
  workers_[window - 1].jobs = 0;
  ++traffic_.forks;
  arm_look_timer();
}

/// No room for a process or its descriptors right now is not the end: the others go on, and it is tried again.
void ProcessExecutor::try_fork_into(std::uint32_t window) {
  try {
    fork_into(window);
    failed_forks_ = 0;
  } catch (const std::system_error& error) {
    if (!may_pass(error.code())) throw;
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
  watchdog_.remove_all(window);
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
  p.child.output().drain();
  const std::string output = p.child.output().tail();
  ++traffic_.deaths;
  const bool was_ready = p.ready, was_idle = p.held.size() == 0;
  // At stop an idle worker's blocks stay what they are: nobody will write its window again.
  if (!stopping_ || !was_idle) answer_for_the_dead(window, *death);
  stop_watching(p);
  p.child.forget();
  p.ready = false;
  update_idle(window);
  if (stopping_) return;
  if (!was_ready) count_early_death(window, *death, output);
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
  watchdog_.remove_all(window);
  events_.emplace_back(WindowLost{window, p.child.output().tail()});
  const std::vector<std::uint64_t> held = p.held.ids();
  for (const std::uint64_t id : held) {
    Completion completion;
    completion.id = id;
    completion.suspects = static_cast<std::uint8_t>(std::min<std::size_t>(held.size(), 255));
    set_outcome(completion, p, death);
    const auto step = std::ranges::find(steps, id, &LastStep::job);
    if (step != steps.end()) {
      completion.breadcrumb = step->breadcrumb;
      completion.slot = static_cast<std::uint8_t>(step - steps.begin());
    }
    p.held.remove(id);
    events_.emplace_back(completion);
  }
}

/// We killed it only when it died of that: it may have crashed a moment before.
void ProcessExecutor::set_outcome(Completion& completion, const Place& p, const Death& death) {
  if (p.overdue != 0 && death.signal == SIGKILL) {
    completion.outcome = p.overdue == completion.id ? Outcome::timed_out : Outcome::interrupted;
    completion.reason = p.overdue == completion.id ? p.overdue_reason : 0;
    completion.suspects = 0;
    return;
  }
  completion.outcome = Outcome::crashed;
  completion.signal = death.signal;
  completion.reason = death.exit_code;
  if (p.condemned && death.signal == SIGKILL)
    set_text(completion, fmt::format("the worker was killed: {}", p.verdict).c_str());
}

void ProcessExecutor::count_early_death(std::uint32_t window, const Death& death, const std::string& output) {
  if (++early_deaths_ < kMaxEarlyDeaths) return;
  throw std::runtime_error(
      fmt::format("{} workers in a row died before they were ready; the last one, of window {}, died {}.{}",
                  early_deaths_, window, describe(death), quote(output)));
}

/// By name, before the descriptors are closed: epoll keeps what a sibling has a copy of.
void ProcessExecutor::stop_watching(Place& p) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, p.child.pidfd(), nullptr);
  if (!p.condemned) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, p.child.channel().fd(), nullptr);
  if (p.child.output().fd() >= 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, p.child.output().fd(), nullptr);
}

}  // namespace tessera::workers
