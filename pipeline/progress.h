// What a person sees while a run goes on. On a terminal one line that is redrawn; elsewhere a plain line every 10 s;
// with -v a line per image; with -q nothing but failures at the end.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tessera::pipeline {

enum class Verbosity : std::uint8_t { quiet, normal, verbose };

struct Counts {
  std::uint64_t done = 0, skipped = 0, failed = 0, quarantined = 0;
  std::uint64_t done_earlier = 0, failed_earlier = 0;  // of these, before this start of the program
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::uint64_t finished() const { return done + skipped + failed + quarantined; }
  std::uint64_t finished_now() const { return finished() - done_earlier - failed_earlier; }
};

struct ProgressState {
  Counts counts;
  std::uint64_t total = 0;  // 0: not known
  int workers = 0;
  std::uint64_t memory = 0, memory_limit = 0;
};

class Progress {
 public:
  using Clock = std::chrono::steady_clock;
  Progress(Verbosity, bool terminal);
  /// Draws if it is time to.
  void update(const ProgressState&, Clock::time_point now);
  /// A line of its own, above the progress line.
  void line(const std::string& text);
  void finish();
  Verbosity verbosity() const { return verbosity_; }

  /// "[1234/8000 15%] 86 img/s  ETA 1:18  ok 1230 skip 3 fail 1  w 8  2.1/4.0 GB"
  static std::string text(const ProgressState&, double images_per_second);

 private:
  Verbosity verbosity_;
  bool terminal_, drawn_ = false;
  Clock::time_point start_, last_;
};

}  // namespace tessera::pipeline
