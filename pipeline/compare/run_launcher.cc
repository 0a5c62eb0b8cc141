#include "pipeline/compare/run_launcher.h"

#include <fmt/format.h>

#include <cstring>
#include <string_view>

#include "pipeline/environment_error.h"
#include "pipeline/printable.h"
#include "pipeline/usage_error.h"

namespace tessera::pipeline {
namespace {

constexpr int kSomeFailed = 1, kRefused = 2;  // exit codes of `tessera run`

std::string how_it_ended(const Observation& seen) {
  if (seen.signal != 0) return fmt::format("was killed by signal {} ({})", seen.signal, ::strsignal(seen.signal));
  return fmt::format("ended with exit code {}", seen.exit_code);
}

void check_end(const Configuration& configuration, const Observation& seen) {
  if (seen.exit_code == 0 || (seen.exit_code == kSomeFailed && !configuration.is_peer())) return;
  const std::string sentence =
      fmt::format("'{}' {}, so there is nothing to compare. The last that it said:\n{}", printable(configuration.name),
                  how_it_ended(seen), last_lines(seen.errors.empty() ? seen.output : seen.errors));
  if (seen.exit_code == kRefused && !configuration.is_peer()) throw UsageError(sentence);
  throw EnvironmentError(sentence);
}

std::uint64_t failed_images(const Configuration& configuration, const Observation& seen) {
  const Json summary = Json::parse(seen.output, nullptr, false);
  if (!summary.is_object() || !summary.contains("failed") || !summary.contains("quarantined"))
    throw EnvironmentError(
        fmt::format("'{}' printed no summary, but:\n{}", printable(configuration.name), last_lines(seen.output)));
  return summary["failed"].get<std::uint64_t>() + summary["quarantined"].get<std::uint64_t>();
}

}  // namespace

std::string last_lines(const std::string& text) {
  std::string_view rest = text;
  while (rest.ends_with('\n')) rest.remove_suffix(1);
  std::size_t begin = rest.size();
  for (int lines = 0; lines < 10 && begin != std::string_view::npos && begin > 0; ++lines)
    begin = rest.rfind('\n', begin - 1);
  if (begin != std::string_view::npos && begin < rest.size() && rest[begin] == '\n') ++begin;
  if (begin != std::string_view::npos) rest.remove_prefix(begin);
  if (rest.empty()) return "  (nothing)";
  std::string lines = "  ";
  for (const char c : printable(rest, true)) lines += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return lines;
}

RunLauncher::RunLauncher(const RunSet& set, const Options& options)
    : set_(set), options_(options), folders_(set.work), peers_(set) {}

void RunLauncher::prepare() {
  settle_writes(set_.work);
  if (options_.cold)
    dropped_ = drop_page_cache(set_.paths);
  else
    warm_page_cache(set_.paths);
}

std::vector<std::string> RunLauncher::words(const Configuration& configuration, const std::string& output,
                                            const std::string& trace) {
  if (configuration.is_peer()) return peers_.words(configuration, output);
  std::vector<std::string> flags = configuration.flags;
  flags.insert(flags.end(), {"--trace", trace, "--json", "-q"});
  return set_.run_words(output, flags);
}

FinishedRun RunLauncher::run(const Configuration& configuration, bool observed) {
  FinishedRun finished;
  const std::string output = folders_.fresh();
  if (!configuration.is_peer()) finished.trace = fmt::format("{}/trace-{:04}.json", set_.work, ++traces_);
  LaunchOptions options;
  options.sample_memory = observed;
  options.memory_interval = options_.memory_interval;
  options.signals = options_.signals;
  finished.seen = launch(words(configuration, output, finished.trace), options);
  check_end(configuration, finished.seen);
  if (!configuration.is_peer()) finished.failed = failed_images(configuration, finished.seen);
  finished.outputs = look_at_outputs(output, observed);
  folders_.done(output, finished.outputs.bytes);
  return finished;
}

}  // namespace tessera::pipeline
