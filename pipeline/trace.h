// `run --trace FILE`: what each slot did when. Chrome's JSON array format, one event a line, as things happen, so that
// the file is readable (chrome://tracing, Perfetto, compare/trace_file.h) even when the run was killed: the closing
// bracket is optional there. Times are microseconds of CLOCK_MONOTONIC; pid is the worker's window (0: the
// coordinator), tid its slot.
//   process_name, thread_name  metadata (M)  every worker and slot that there is
//   start     instant    a job was started; tid: 0, the slot is not known yet
//                                          args: image, job, attempt, kind; source when it is the
//                                          first to read the image
//   whole, decode, band, resolve, encode, hash, drop   complete (X) from start to answer, on the slot that did it; of a
//                                          spread image decode and encode are many, a part of it each
//                                          args: image, job, attempt, outcome, cpu_us, phases_us {probe, ...} (of done
//                                          and declined jobs)
//   closed    instant    an image got its terminal row  args: image, status, megapixels (of the input, where known)
//   death     instant    a worker died or was replaced  args: worker
//   run       instant    the run's end, once            args: messages, channel_bytes, forks, deaths, done, skipped,
//                                                             failed, quarantined
// When a job begins and ends: job_times.h.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "pipeline/job_times.h"
#include "pipeline/journal.h"
#include "pipeline/progress.h"
#include "pipeline/run_stats.h"
#include "workers/executor.h"
#include "workers/fd.h"

namespace tessera::pipeline {

class Trace {
 public:
  /// "" writes nothing. A trace that is there is replaced. Throws UsageError when the file cannot be made, or is there
  /// and is something else. Should it fail later, that is said once on stderr, and the trace ends there. `stats`, which
  /// must outlive it, hears of the same jobs; nullptr: there are none.
  explicit Trace(const std::string& path, RunStats* stats = nullptr);
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  void began(std::span<const workers::Executor::Worker>);
  /// To be called before the job can begin.
  void started(JobStart);
  void answered(const workers::Completion&);
  void closed(const ItemRow&);
  void died(std::uint32_t window);
  void ended(const Counts&, const workers::Executor::Traffic&);

 private:
  void write(const nlohmann::ordered_json& event, bool last = false);
  void write_bytes(const std::string&);
  std::string path_;
  workers::Fd fd_;  // -1: nothing is written (any more)
  RunStats* stats_;
  JobTimes times_;
};

}  // namespace tessera::pipeline
