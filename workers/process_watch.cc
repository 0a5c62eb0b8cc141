// What running workers may take: the third part of ProcessExecutor. Time is the watchdog's to judge, window memory is
// looked at now and then, and private memory is the kernel's to refuse.
#include <sys/timerfd.h>

#include <algorithm>

#include "workers/process_executor.h"
#include "workers/status_page.h"

namespace tessera::workers {
namespace {

// Huge pages, and what is written while we look.
constexpr std::uint64_t kWindowSlack = 64 << 20;
// What a worker allocates beside its jobs' buffers, and what each slot keeps from one job to the next: the top of a
// heap (M_TRIM_THRESHOLD, 64 MiB) and warm buffers of the caller (32 MiB).
constexpr std::uint64_t kDataSlack = 64 << 20, kKeptPerSlot = 96 << 20;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCanLimitData = false;  // their shadow memory is data
#else
constexpr bool kCanLimitData = true;
#endif

}  // namespace

/// To be called before anything is judged or started.
void ProcessExecutor::awake() {
  const Clock::duration gap = watchdog_.awake(Clock::now());
  if (gap == Clock::duration::zero()) return;
  for (Place& p : places_) p.must_be_ready += gap;
}

/// The timer is in the epoll, so that ready_fd() wakes whoever polls it, too. Set only to earlier times: in the normal
/// case a job costs no call.
void ProcessExecutor::arm_look_timer() {
  const Clock::time_point due = std::min(watchdog_.next_look(), next_survey_);
  if (due >= look_at_) return;
  look_at_ = due;
  const auto since_boot = std::max<std::chrono::nanoseconds>(due.time_since_epoch(), std::chrono::nanoseconds(1));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_boot);
  const itimerspec time{{0, 0}, {seconds.count(), (since_boot - seconds).count()}};
  if (::timerfd_settime(look_timer_.get(), TFD_TIMER_ABSTIME, &time, nullptr) != 0) throw_errno("timerfd_settime");
}

void ProcessExecutor::look() {
  std::uint64_t times = 0;
  [[maybe_unused]] const auto got = ::read(look_timer_.get(), &times, sizeof(times));
  look_at_ = Clock::time_point::max();
  const Clock::time_point now = Clock::now();
  for (const auto& verdict : watchdog_.look(now, [this](const Watchdog::Running& job) { return cpu_time(job); }))
    judge(verdict);
  if (now >= next_survey_) survey(now);
  arm_look_timer();
}

/// What the worker has said by now is heard first: an answer ends the matter, and a claim of progress may raise the
/// limits once it is handed over.
void ProcessExecutor::judge(const Watchdog::Verdict& verdict) {
  Place& p = place(verdict.window);
  if (p.overdue != 0 || p.condemned) return;
  read_channel(verdict.window);
  if (p.condemned || !p.held.holds(verdict.job)) return;
  const auto speaks_of_it = [&](const Event& event) {
    const auto* const progress = std::get_if<Progress>(&event);
    return progress != nullptr && progress->id == verdict.job;
  };
  if (std::ranges::any_of(events_, speaks_of_it) && watchdog_.may_defer(verdict.job)) return;
  p.overdue = verdict.job;
  p.overdue_reason = verdict.reason;
  p.child.kill();
  watchdog_.remove_all(verdict.window);
  update_idle(verdict.window);
}

void ProcessExecutor::survey(Clock::time_point now) {
  const bool any_starting = std::ranges::any_of(places_, [](const Place& p) { return p.child && !p.ready; });
  next_survey_ = now + (watchdog_.idle() && !any_starting ? kIdleSurveyInterval : kSurveyInterval);
  for (const Worker& worker : workers_) {
    const Place& p = place(worker.window);
    if (!p.child || p.condemned || p.overdue != 0) continue;
    if (!p.ready && now >= p.must_be_ready) condemn(worker.window, "it was not ready in time");
    if (windows_.resident_bytes(worker.window) > arena_.held_bytes(worker.window) + kWindowSlack)
      condemn(worker.window, "it filled shared memory that was not leased to it");
  }
}

/// A worker of one slot: the process. Otherwise the thread that says that it runs the job; one that is not of this
/// worker, or no answer, counts as no time.
std::uint64_t ProcessExecutor::cpu_time(const Watchdog::Running& job) const {
  const pid_t pid = places_[job.window - 1].child.pid();
  std::uint64_t base = job.cpu_base_ns;
  std::optional<std::uint64_t> now;
  if (slots_ == 1) {
    now = cpu_ns_of_process(pid);
  } else {
    const std::vector<LastStep> steps = read_status_page(windows_, job.window, slots_);
    const auto step = std::ranges::find(steps, job.job, &LastStep::job);
    if (step == steps.end()) return 0;
    base = step->cpu_base;
    now = cpu_ns_of_thread(pid, step->thread);
  }
  return now && *now > base ? *now - base : 0;
}

void ProcessExecutor::set_limits(std::uint64_t job, const Limits& limits) {
  const std::uint32_t window = watchdog_.window_of(job);
  if (window == 0) return;
  watchdog_.set_limits(job, limits);
  update_data_limit(window);
  arm_look_timer();
}

void ProcessExecutor::update_data_limit(std::uint32_t window) {
  Place& p = place(window);
  if (!kCanLimitData || !p.ready) return;
  const std::uint64_t granted = std::max(worker_bytes_, watchdog_.granted_bytes(window));
  const std::uint64_t limit = p.at_ready.data_bytes + kDataSlack + slots_ * kKeptPerSlot + granted;
  if (limit == p.data_limit) return;
  set_data_limit(p.child.pid(), limit);
  p.data_limit = limit;
}

std::uint64_t ProcessExecutor::grown_bytes(std::uint32_t window) const {
  const Place& p = places_.at(window - 1);
  if (!p.child || !p.ready) return 0;
  const std::uint64_t now = ProcessMemory::of(p.child.pid()).value_or(ProcessMemory()).resident_bytes;
  return now - std::min(now, p.at_ready.resident_bytes);
}

}  // namespace tessera::workers
