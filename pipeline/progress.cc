#include "pipeline/progress.h"

#include <fmt/format.h>

#include "pipeline/console.h"

namespace tessera::pipeline {
namespace {
constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr auto kPlainLine = std::chrono::seconds(10);

std::string minutes(double seconds) {
  const auto s = static_cast<std::int64_t>(seconds + 0.5);
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
                   : fmt::format("{}:{:02}", s / 60, s % 60);
}
}  // namespace

Progress::Progress(Verbosity verbosity, bool terminal)
    : verbosity_(verbosity), terminal_(terminal), start_(Clock::now()), last_(start_) {}

std::string Progress::text(const ProgressState& s, double rate) {
  const std::uint64_t n = s.counts.finished();
  std::string line = s.total ? fmt::format("[{}/{} {}%]", n, s.total, n * 100 / s.total) : fmt::format("[{}]", n);
  line += fmt::format(" {:.{}f} img/s", rate, rate < 10 ? 1 : 0);
  if (s.total && rate > 0) line += fmt::format("  ETA {}", minutes(static_cast<double>(s.total - n) / rate));
  line +=
      fmt::format("  ok {} skip {} fail {}", s.counts.done, s.counts.skipped, s.counts.failed + s.counts.quarantined);
  line += fmt::format("  w {}  {:.1f}/{:.1f} GB", s.workers, static_cast<double>(s.memory) / 1e9,
                      static_cast<double>(s.memory_limit) / 1e9);
  return line;
}

void Progress::update(const ProgressState& state, Clock::time_point now) {
  if (verbosity_ == Verbosity::quiet ||
      now - last_ < (terminal_ ? Clock::duration(kRedraw) : Clock::duration(kPlainLine)))
    return;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const std::string line = text(state, static_cast<double>(state.counts.finished_now()) / seconds);
  say(stderr, terminal_ ? fmt::format("\r{}\033[K", line) : line + "\n");
  drawn_ = terminal_;
}

void Progress::line(const std::string& text) {
  if (drawn_) say(stderr, "\r\033[K");
  drawn_ = false;
  say(stderr, text + "\n");
}

void Progress::finish() {
  if (drawn_) say(stderr, "\r\033[K");
  drawn_ = false;
}

}  // namespace tessera::pipeline
