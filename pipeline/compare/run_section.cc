#include "pipeline/compare/run_section.h"

#include <algorithm>

#include "pipeline/breadcrumb.h"

namespace tessera::pipeline {
namespace {

double seconds_of(std::chrono::steady_clock::time_point time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

/// The summary of one figure of all runs.
template <typename Figure>
Json summary(const std::vector<TimedRun>& runs, Random& random, Figure figure) {
  std::vector<double> values;
  for (const TimedRun& run : runs) values.push_back(static_cast<double>(figure(run)));
  return to_json(summarise(values, random));
}

Json memory_section(const MemoryPeak& peak) {
  return {{"pss_bytes", peak.pss_bytes},
          {"private_bytes", peak.private_bytes},
          {"shared_bytes", peak.pss_bytes - std::min(peak.private_bytes, peak.pss_bytes)},
          {"windows_bytes", peak.windows_bytes},
          {"processes", peak.processes},
          {"samples", peak.samples}};
}

/// The run in the middle; of an even number the slower of the two.
const TimedRun& median_run(const std::vector<TimedRun>& runs) {
  std::vector<const TimedRun*> sorted;
  for (const TimedRun& run : runs) sorted.push_back(&run);
  std::ranges::sort(sorted, {}, [](const TimedRun* run) { return run->seen.wall_s; });
  return *sorted[sorted.size() / 2];
}

void add_traced(Json& section, const ConfigurationRuns& found, Random& random) {
  const auto& runs = found.runs;
  section["start_s"] = summary(runs, random, [](const TimedRun& run) { return run.traced->start_s; });
  section["first_image_s"] = summary(runs, random, [](const TimedRun& run) { return run.traced->first_image_s; });
  section["messages"] = summary(runs, random, [](const TimedRun& run) { return run.traced->messages; });
  section["channel_bytes"] = summary(runs, random, [](const TimedRun& run) { return run.traced->channel_bytes; });
  Json& phases = section["phases_s"] = Json::object();
  for (std::size_t i = 0; i < kPhases; ++i) {
    const std::string name(phase_name(i));
    const auto seconds = [&](const TimedRun& run) {
      const auto phase = run.traced->phases_s.find(name);
      return phase == run.traced->phases_s.end() ? 0.0 : phase->second;
    };
    if (std::ranges::any_of(runs, [&](const TimedRun& run) { return seconds(run) > 0; }))
      phases[name] = summary(runs, random, seconds);
  }
  section["utilisation"] = summary(runs, random, [](const TimedRun& run) { return run.traced->use.utilisation; });
  section["imbalance"] = summary(runs, random, [](const TimedRun& run) { return run.traced->use.imbalance; });
  section["tail_s"] = summary(runs, random, [](const TimedRun& run) { return run.traced->use.tail_s; });
  const TimedRun& middle = median_run(runs);
  section["timeline"] = timeline_json(read_trace(middle.trace), middle.seen.started);
}

Json raw_runs(const std::vector<TimedRun>& runs) {
  Json rows = Json::array();
  for (const TimedRun& run : runs)
    rows.push_back({{"round", run.round},
                    {"order", run.order},
                    {"wall_s", run.seen.wall_s},
                    {"user_s", run.seen.user_s},
                    {"system_s", run.seen.system_s},
                    {"minor_faults", run.seen.minor_faults},
                    {"major_faults", run.seen.major_faults},
                    {"voluntary_switches", run.seen.voluntary_switches},
                    {"involuntary_switches", run.seen.involuntary_switches},
                    {"other_load", run.seen.other_load}});
  return rows;
}

}  // namespace

TracedFigures traced_figures(const RunTrace& trace, std::chrono::steady_clock::time_point started, int slots) {
  TracedFigures figures;
  const double launched = seconds_of(started);
  if (!trace.jobs.empty()) figures.start_s = trace.jobs.front().begin_s - launched;
  if (!trace.done_s.empty()) figures.first_image_s = trace.done_s.front() - launched;
  figures.messages = trace.messages;
  figures.channel_bytes = trace.channel_bytes;
  for (const TracedJob& job : trace.jobs)
    for (const auto& [name, seconds] : job.phases_s) figures.phases_s[name] += seconds;
  figures.use = slot_use(trace, static_cast<std::uint32_t>(slots));
  return figures;
}

Json configuration_section(const ConfigurationRuns& found, const RunsFacts& facts, Random& random) {
  const Configuration& configuration = found.configuration;
  const auto& runs = found.runs;
  const auto or_none = [&](auto value) { return configuration.is_peer() ? Json() : Json(value); };
  Json section{{"name", configuration.name},
               {"kind", configuration.kind},
               {"mode", or_none(configuration.mode)},
               {"workers", or_none(configuration.workers)},
               {"threads", or_none(configuration.threads)},
               {"slots", or_none(configuration.slots())},
               {"command", found.command},
               {"outputs", found.outputs.files.size()},
               {"output_bytes", found.outputs.bytes},
               {"same_bytes", or_none(true)}};  // other bytes have ended the comparison
  if (!configuration.is_peer()) section["failed"] = facts.failed;
  const auto add = [&](const char* name, auto figure) { section[name] = summary(runs, random, figure); };
  add("wall_s", [](const TimedRun& run) { return run.seen.wall_s; });
  add("images_per_s", [&](const TimedRun& run) { return static_cast<double>(facts.images) / run.seen.wall_s; });
  if (facts.megapixels > 0)
    add("megapixels_per_s", [&](const TimedRun& run) { return facts.megapixels / run.seen.wall_s; });
  add("user_s", [](const TimedRun& run) { return run.seen.user_s; });
  add("system_s", [](const TimedRun& run) { return run.seen.system_s; });
  add("cpu_s", [](const TimedRun& run) { return run.seen.user_s + run.seen.system_s; });
  add("minor_faults", [](const TimedRun& run) { return run.seen.minor_faults; });
  add("major_faults", [](const TimedRun& run) { return run.seen.major_faults; });
  add("voluntary_switches", [](const TimedRun& run) { return run.seen.voluntary_switches; });
  add("involuntary_switches", [](const TimedRun& run) { return run.seen.involuntary_switches; });
  section["memory"] = memory_section(found.memory);
  if (!configuration.is_peer()) add_traced(section, found, random);
  section["runs"] = raw_runs(runs);
  return section;
}

}  // namespace tessera::pipeline
