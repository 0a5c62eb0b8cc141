#include "workers/watchdog.h"

#include <algorithm>
#include <utility>

namespace tessera::workers {
namespace {

constexpr auto kShortestLook = std::chrono::milliseconds(10);

bool is_more(std::uint32_t limit, std::uint32_t than) { return than != 0 && (limit == 0 || limit > than); }

}  // namespace

Clock::time_point Watchdog::wall_deadline(const Running& running) {
  if (running.limits.wall_ms == 0) return Clock::time_point::max();
  return running.started + std::chrono::milliseconds(running.limits.wall_ms);
}

void Watchdog::plan_cpu_look(Watched& watched) {
  const Running& running = watched.running;
  watched.cpu_look = running.limits.cpu_ms == 0 ? Clock::time_point::max()
                                                : running.started + std::chrono::milliseconds(running.limits.cpu_ms);
}

void Watchdog::add(const Running& running) {
  Watched watched{running, {}};
  plan_cpu_look(watched);
  running_.insert_or_assign(running.job, watched);
}

void Watchdog::remove_all(std::uint32_t window) {
  std::erase_if(running_, [window](const auto& entry) { return entry.second.running.window == window; });
}

void Watchdog::set_limits(std::uint64_t job, const Limits& limits) {
  const auto found = running_.find(job);
  if (found == running_.end()) return;
  Watched& watched = found->second;
  const Limits before = std::exchange(watched.running.limits, limits);
  if (is_more(limits.cpu_ms, before.cpu_ms) || is_more(limits.wall_ms, before.wall_ms)) watched.deferred = false;
  if (limits.cpu_ms != before.cpu_ms) plan_cpu_look(watched);
}

std::uint32_t Watchdog::window_of(std::uint64_t job) const {
  const auto found = running_.find(job);
  return found == running_.end() ? 0 : found->second.running.window;
}

std::uint64_t Watchdog::granted_bytes(std::uint32_t window) const {
  std::uint64_t bytes = 0;
  for (const auto& [job, watched] : running_)
    if (watched.running.window == window) bytes += watched.running.limits.private_bytes;
  return bytes;
}

Clock::duration Watchdog::awake(Clock::time_point now) {
  const Clock::time_point expected = std::exchange(expected_, now);
  if (now <= expected || now - expected <= kGap) return {};
  for (auto& [job, watched] : running_) watched.running.started += now - expected;
  return now - expected;
}

Clock::time_point Watchdog::next_look() const {
  Clock::time_point next = Clock::time_point::max();
  for (const auto& [job, watched] : running_) next = std::min({next, watched.cpu_look, wall_deadline(watched.running)});
  return next;
}

std::vector<Watchdog::Verdict> Watchdog::look(Clock::time_point now, const CpuTime& cpu_time) {
  std::vector<Verdict> verdicts;
  for (auto& [job, watched] : running_) {
    const Running& running = watched.running;
    if (now >= watched.cpu_look) {
      const std::chrono::nanoseconds used(cpu_time(running)),
          allowed = std::chrono::milliseconds(running.limits.cpu_ms);
      if (used >= allowed) {
        verdicts.push_back({job, running.window, kCpuTime});
        continue;
      }
      watched.cpu_look = now + std::max<Clock::duration>(allowed - used, kShortestLook);
    }
    if (now >= wall_deadline(running)) verdicts.push_back({job, running.window, kWallTime});
  }
  return verdicts;
}

bool Watchdog::may_defer(std::uint64_t job) {
  const auto found = running_.find(job);
  return found != running_.end() && !std::exchange(found->second.deferred, true);
}

}  // namespace tessera::workers
