#include "pipeline/commands/run_summary.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "pipeline/commands/commands.h"
#include "pipeline/commands/run_stats_text.h"
#include "pipeline/console.h"
#include "pipeline/printable.h"
#include "pipeline/signals.h"
#include "pipeline/size_text.h"

namespace tessera::pipeline {
namespace {

double cpu_seconds(int who) {
  rusage usage{};
  getrusage(who, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int exit_code(const RunResult& result) {
  const Counts& c = result.counts;
  if (result.environment) return kEnvironment;
  if (result.signal != 0) return kSignalled + result.signal;
  if (c.finished() == 0) return kNothingMatched;
  return c.failed + c.quarantined > 0 ? kSomeFailed : kAllDone;
}

std::string why_stopped(const RunResult& result, std::uint64_t total) {
  if (result.signal == 0 || result.environment) return "stopped early: " + result.stopped;
  const std::string of = total > 0 ? fmt::format(" of {}", total) : "";
  return fmt::format("interrupted ({}): {}{} done; the same command with --resume goes on", signal_name(result.signal),
                     result.counts.finished(), of);
}

}  // namespace

int summarise(const RunResult& result, const RunFacts& facts, bool json, bool quiet) {
  const Counts& c = result.counts;
  double coordinator_cpu = cpu_seconds(RUSAGE_SELF);
  if (facts.stats && !facts.isolated)
    coordinator_cpu = std::max(0.0, coordinator_cpu - static_cast<double>(facts.stats->cpu_ns()) / 1e9);
  if (json) {
    const std::string stats =
        facts.stats ? ", \"stats\": " + stats_json(*facts.stats, result, facts, coordinator_cpu).dump() : "";
    say(stdout,
        fmt::format("{{\"done\": {}, \"done_earlier\": {}, \"skipped\": {}, \"failed\": {}, \"quarantined\": {}, "
                    "\"bytes_in\": {}, "
                    "\"bytes_out\": {}, \"seconds\": {:.3f}, \"coordinator_cpu\": {:.4f}, \"worker_cpu\": {:.4f}, "
                    "\"messages\": {}, \"peak_memory\": {}, \"stopped\": {}{}}}\n",
                    c.done, c.done_earlier, c.skipped, c.failed, c.quarantined, c.bytes_in, c.bytes_out, facts.seconds,
                    cpu_seconds(RUSAGE_SELF), cpu_seconds(RUSAGE_CHILDREN), result.messages, facts.peak_memory,
                    result.stopped.empty() ? "false" : "true", stats));
  } else if (!quiet) {
    std::string line = fmt::format("{} done", c.done);
    if (c.done_earlier) line += fmt::format(" ({} earlier)", c.done_earlier);
    if (c.skipped) line += fmt::format(", {} skipped", c.skipped);
    if (c.failed) line += fmt::format(", {} failed", c.failed);
    if (c.quarantined) line += fmt::format(", {} quarantined", c.quarantined);
    say(stderr, fmt::format("tessera: {} in {:.1f} s ({:.1f} images/s), {} -> {}, {}\n", line, facts.seconds,
                            static_cast<double>(c.finished_now()) / facts.seconds, format_bytes(c.bytes_in),
                            format_bytes(c.bytes_out), printable(facts.root)));
  }
  if (facts.stats && !json) say(stderr, stats_text(*facts.stats, result, facts, coordinator_cpu));
  if (!result.stopped.empty()) say(stderr, fmt::format("tessera: {}\n", why_stopped(result, facts.total)));
  const int code = exit_code(result);
  if (code == kNothingMatched) say(stderr, "tessera: no input matched\n");
  return code;
}

}  // namespace tessera::pipeline
