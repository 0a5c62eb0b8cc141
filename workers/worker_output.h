// What a worker writes to stdout and stderr: one pipe, read without waiting, and only the last of it is kept.
#pragma once

#include <cstddef>
#include <string>

#include "workers/fd.h"

namespace tessera::workers {

class WorkerOutput {
 public:
  static constexpr std::size_t kTailBytes = 4096;

  WorkerOutput() = default;
  /// The reading end, which becomes non-blocking. Throws std::system_error.
  explicit WorkerOutput(Fd pipe, std::size_t kept_bytes = kTailBytes);

  /// Takes 64 KiB at most: the others want to be heard, too. False at the end: everybody has closed the other one.
  bool take();
  /// Takes what a dead worker left in the pipe.
  void drain();
  void clear() { tail_.clear(); }
  /// The last that was taken.
  const std::string& tail() const { return tail_; }
  int fd() const { return pipe_.get(); }
  void close() noexcept { pipe_.close(); }

 private:
  Fd pipe_;
  std::size_t kept_bytes_ = kTailBytes;
  std::string tail_;
};

}  // namespace tessera::workers
