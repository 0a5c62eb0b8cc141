// `run --trace FILE`: what each slot did when. Chrome's JSON array format, one event a line, as things happen, so that
// the file is readable (chrome://tracing, Perfetto, compare/trace_file.h) even when the run was killed: the closing
// bracket is optional there. Times are microseconds of CLOCK_MONOTONIC; pid is the worker's window (0: the
// coordinator), tid its slot.
//   start     instant    an image's job was started     args: image, job, attempt, kind, source
//   whole, decode, band, resolve, encode   complete (X) from start to answer, on the slot that did it
//                                          args: image, job, attempt, outcome, cpu_us, phases_us {probe, ...}
//   closed    instant    an image got its terminal row  args: image, status, megapixels (of the input, where known)
//   death     instant    a worker died                  args: worker
//   run       instant    the run's end, once            args: messages, channel_bytes, forks, deaths, done, failed, ...
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/wire.h"
#include "workers/executor.h"

namespace tessera::pipeline {

class Trace {
 public:
  /// "" writes nothing. Throws UsageError when the file cannot be made.
  explicit Trace(const std::string& path);
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
};

}  // namespace tessera::pipeline
