// All that a running job sees of the world.
#pragma once

#include <functional>
#include <stdexcept>

#include "workers/job.h"

namespace tessera::workers {

/// A block that lies outside what the job may touch.
class BlockError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
/// A block whose window has moved on: its worker died. Nobody's mistake.
class BlockLost : public BlockError {
 public:
  using BlockError::BlockError;
};

class JobContext {
 public:
  virtual ~JobContext() = default;
  virtual const Job& job() const = 0;
  /// Any window or the board; bounds and generation are checked. Throws BlockError. Should the window be lost later,
  /// while the job still runs, the job fails with kBlockLost whatever it answers.
  virtual ReadBytes read(const Block&) const = 0;
  /// Own window only. Throws BlockError.
  virtual WriteBytes write(const Block&) const = 0;
  /// Descriptors that came with the job; they stay open until it ends. Throws std::out_of_range.
  virtual int fd(std::size_t index) const = 0;
  virtual std::size_t fd_count() const = 0;
  /// Leaves a trace for whoever looks at a crash: seen in Completion::breadcrumb.
  virtual void step(std::uint64_t breadcrumb) noexcept = 0;
  /// The first value is passed on at once, later ones every few milliseconds at most.
  virtual void progress(std::uint32_t value) = 0;
  virtual bool cancelled() const = 0;  // to be looked at now and then
  /// 0 .. slots-1 of this worker: the key to whatever the caller keeps per thread.
  virtual std::size_t slot() const = 0;
};

/// What an executor runs. Fills in outcome, reason and payload; id and cpu_ns are the slot loop's. May throw: an
/// exception becomes Outcome::failed with a reason of job.h and its text, zero-terminated, at the start of the payload.
using Run = std::function<void(JobContext&, Completion&)>;

}  // namespace tessera::workers
