#include "workers/worker_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tessera::workers {
namespace {

constexpr std::size_t kAtOnce = 64 << 10;
// A pipe holds 64 KiB, or 1 MiB where somebody raised it. A process that a worker without a sandbox started may write
// for ever.
constexpr int kMostTurns = 16;

}  // namespace

WorkerOutput::WorkerOutput(Fd pipe, std::size_t kept_bytes) : pipe_(std::move(pipe)), kept_bytes_(kept_bytes) {
  if (::fcntl(pipe_.get(), F_SETFL, O_NONBLOCK) != 0) throw_errno("fcntl(O_NONBLOCK) of a worker's output");
}

bool WorkerOutput::take() {
  static std::array<char, kAtOnce> text;  // the coordinator has one thread, and its stack need not hold this
  ssize_t got = 0;
  do got = ::read(pipe_.get(), text.data(), text.size());
  while (got < 0 && errno == EINTR);
  if (got <= 0) return got < 0 && errno == EAGAIN;
  const auto bytes = static_cast<std::size_t>(got);
  const std::size_t kept = std::min(bytes, kept_bytes_);
  if (tail_.size() + kept > kept_bytes_) tail_.erase(0, tail_.size() + kept - kept_bytes_);
  tail_.append(text.data() + bytes - kept, kept);
  return true;
}

void WorkerOutput::drain() {
  for (int turn = 0; turn < kMostTurns && pipe_ && take(); ++turn) {
  }
}

}  // namespace tessera::workers
