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
// A job begins when the coordinator starts it and ends when the coordinator has its answer, so that handing over
// counts. Where that would let two jobs of a slot overlap (a slot of several in one worker has taken the next job while
// its answer was under way), the later one begins at the end of the earlier one.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <utility>

#include "pipeline/journal.h"
#include "pipeline/progress.h"
#include "pipeline/wire.h"
#include "workers/executor.h"
#include "workers/fd.h"

namespace tessera::pipeline {

class Trace {
 public:
  struct JobStart {
    std::uint64_t job = 0, image = 0;
    std::uint32_t window = 0, attempt = 0;
    JobKind kind = JobKind::whole;
    std::string source;  // "": an earlier job has read it
  };
  /// "" writes nothing. A trace that is there is replaced. Throws UsageError when the file cannot be made, or is there
  /// and is something else. Should it fail later, that is said once on stderr, and the trace ends there.
  explicit Trace(const std::string& path);
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
  struct Running {
    JobStart start;
    workers::Clock::time_point begin;
  };
  void write(const nlohmann::ordered_json& event, bool last = false);
  void write_bytes(const std::string&);
  std::string path_;
  workers::Fd fd_;  // -1: nothing is written (any more)
  std::map<std::uint64_t, Running> running_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, workers::Clock::time_point> free_since_;  // (window, slot)
};

}  // namespace tessera::pipeline
