// A run's trace, read back: when each slot was busy, with what, and what follows from that.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

struct TracedJob {
  std::uint32_t worker = 0, slot = 0;
  double begin_s = 0, end_s = 0;  // CLOCK_MONOTONIC, as steady_clock
  std::string kind;               // whole, decode, band, resolve, encode, hash, drop
  std::string outcome;            // done, declined, failed, crashed, ...
  std::uint64_t image = 0, job = 0;
  std::uint32_t attempt = 0;
  bool first_read = false;  // of the image in this attempt: whole, or the first decode
  double cpu_s = 0;
  std::map<std::string, double> phases_s;  // probe, plan, decode, stages, measure, encode, finish; only those above 0
};

struct RunTrace {
  std::vector<TracedJob> jobs;  // that were answered, by begin
  std::vector<TracedJob> open;  // started and never answered: the run was killed. Slot and end: 0
  std::set<std::pair<std::uint32_t, std::uint32_t>>
      slots;                                     // (worker, slot) that there were, whether they worked or not
  std::vector<double> done_s;                    // when images that were done got their names and rows, ascending
  std::map<std::uint64_t, std::string> sources;  // image -> input
  std::uint64_t opened = 0;  // jobs that opened an image (whole, decode), open ones among them, and were not declined
  std::uint64_t messages = 0, channel_bytes = 0, forks = 0, deaths = 0;
  double megapixels = 0;  // of the inputs that were done
  bool ended = false;     // the run came to its end
};

/// Throws std::runtime_error when the file is not there, no line of it is an event, or a line before its last is none.
/// A cut last line is no error.
RunTrace read_trace(const std::string& path);

/// Runs at the same time as one: workers, images and jobs get numbers of their own, counts are added up.
RunTrace side_by_side(std::vector<RunTrace>);

/// From the first job's begin to the last job's end; slots that exist and never worked count as idle.
struct SlotUse {
  double span_s = 0;
  double utilisation = 0;  // busy time of all slots / (slots * span)
  double imbalance = 0;    // busiest slot's busy time / mean busy time - 1; 0 is perfect
  double tail_s = 0;       // from the moment when the first slot had nothing left to do to the end
};
/// `slots`: that there were; more if more have worked. All zero without a job.
SlotUse slot_use(const RunTrace&, std::uint32_t slots);

/// Definition "timeline" of the schema: every slot that there was, jobs that were answered.
Json timeline_json(const RunTrace&, std::chrono::steady_clock::time_point launched);

}  // namespace tessera::pipeline
