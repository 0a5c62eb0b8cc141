#include "pipeline/commands/run_stats_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "pipeline/size_text.h"

namespace tessera::pipeline {
namespace {

using Json = nlohmann::ordered_json;
using Duration = RunStats::Duration;

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }
double share(Duration part, Duration of) { return of > Duration() ? seconds(part) / seconds(of) : 0; }
Duration idle(const RunStats& stats, const RunStats::SlotWork& slot) { return stats.wall() - slot.busy; }

struct Row {
  std::string key, label;
  Duration time;
};

std::vector<Row> rows_of(const RunStats& stats) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < kPhases; ++i) {
    const auto step = static_cast<JobStep>(static_cast<std::size_t>(JobStep::probe) + i);
    rows.push_back({std::string(phase_name(i)), std::string(to_string(step)), stats.phase(i)});
  }
  rows.push_back({"handing_over", "handing jobs over", stats.handing_over()});
  rows.push_back({"unsuccessful", "jobs without result", stats.unsuccessful()});
  rows.push_back({"waiting", "waiting for work", stats.waiting()});
  return rows;
}

std::string slot_name(const RunStats::SlotKey& key) { return fmt::format("{}.{}", key.first, key.second); }

// One line a slot as long as a person would read them.
std::string slots_text(const RunStats& stats) {
  constexpr std::size_t kFew = 8;
  std::string text;
  if (stats.slots().size() <= kFew) {
    for (const auto& [key, slot] : stats.slots())
      text += fmt::format("  slot {}: {} jobs, waiting {:.1f} % of the time\n", slot_name(key), slot.jobs,
                          100 * share(idle(stats, slot), stats.wall()));
    return text;
  }
  std::vector<Duration> idles;
  for (const auto& [key, slot] : stats.slots()) idles.push_back(idle(stats, slot));
  std::ranges::sort(idles);
  return fmt::format("  slots waiting: {:.1f} % of the time the least, {:.1f} % the median, {:.1f} % the most\n",
                     100 * share(idles.front(), stats.wall()), 100 * share(idles[idles.size() / 2], stats.wall()),
                     100 * share(idles.back(), stats.wall()));
}

}  // namespace

std::string stats_text(const RunStats& stats, const RunResult& result, const RunFacts& facts,
                       double coordinator_cpu_s) {
  const Counts& counts = result.counts;
  std::string text =
      fmt::format("where the time went: {} slot{}, {:.3f} s each, {:.3f} s in all\n", stats.slots().size(),
                  stats.slots().size() == 1 ? "" : "s", seconds(stats.wall()), seconds(stats.total()));
  for (const Row& row : rows_of(stats))
    if (row.time != Duration())
      text += fmt::format("  {:<20}{:>10.3f} s{:>7.1f} %\n", row.label, seconds(row.time),
                          100 * share(row.time, stats.total()));
  text += slots_text(stats);
  text += fmt::format("  jobs: {}", stats.jobs());
  if (stats.jobs_declined() > 0) text += fmt::format(", {} of them asked for more memory", stats.jobs_declined());
  if (stats.jobs_unsuccessful() > 0) text += fmt::format(", {} without result", stats.jobs_unsuccessful());
  text += fmt::format("; CPU time {:.3f} s\n", static_cast<double>(stats.cpu_ns()) / 1e9);
  text += fmt::format(
      "  beside the slots: CPU time {:.3f} s; publishing and journal {:.3f} s; "
      "starting and ending {:.3f} s\n",
      coordinator_cpu_s, seconds(result.publishing), std::max(0.0, facts.seconds - seconds(stats.wall())));
  text += fmt::format("  files: {} images, {} -> {}; memory: at most {} of {}\n", counts.finished_now(),
                      format_bytes(counts.bytes_in), format_bytes(counts.bytes_out), format_bytes(facts.peak_memory),
                      format_bytes(facts.memory_limit));
  return text;
}

Json stats_json(const RunStats& stats, const RunResult& result, const RunFacts& facts, double coordinator_cpu_s) {
  Json times = Json::object(), slots = Json::array();
  for (const Row& row : rows_of(stats)) times[row.key] = seconds(row.time);
  for (const auto& [key, slot] : stats.slots())
    slots.push_back(
        {{"worker", key.first}, {"slot", key.second}, {"jobs", slot.jobs}, {"waiting", seconds(idle(stats, slot))}});
  return {{"slot_seconds", seconds(stats.total())},
          {"wall", seconds(stats.wall())},
          {"seconds", std::move(times)},
          {"slots", std::move(slots)},
          {"jobs", stats.jobs()},
          {"jobs_declined", stats.jobs_declined()},
          {"jobs_unsuccessful", stats.jobs_unsuccessful()},
          {"job_cpu", static_cast<double>(stats.cpu_ns()) / 1e9},
          {"coordinator_cpu", coordinator_cpu_s},
          {"publishing", seconds(result.publishing)},
          {"memory_limit", facts.memory_limit}};
}

}  // namespace tessera::pipeline
