// The start of the board: what the coordinator tells every worker without sending a message. One generation per window
// and, per window, the ids of the jobs that are being cancelled. Only the coordinator writes, workers map it read-only,
// every word is a lock-free atomic, and there is no lock. Behind the header come the bytes that the arena leases.
//
//   u32 generation[windows + 1]           padded to 64 bytes; index 0 is the board's own, always 1
//   u64 cancelled[windows + 1][kMaxSlots]  a job id, or 0
//
// In serial and thread mode the same header lies in private memory.
#pragma once

#include <atomic>
#include <cstdint>

#include "workers/job.h"

namespace tessera::workers {

constexpr std::size_t kMaxSlots = 256;  // per worker

/// Bytes of the header for so many worker windows: whole pages.
std::uint64_t board_header_bytes(std::uint32_t windows);

class BoardReader {
 public:
  BoardReader() = default;
  BoardReader(ReadBytes board, std::uint32_t windows);

  std::uint32_t windows() const { return windows_; }
  std::uint32_t generation(std::uint32_t window) const;
  bool is_cancelled(std::uint32_t window, std::uint64_t job, std::size_t slots) const;

 private:
  const std::atomic<std::uint32_t>* generations_ = nullptr;
  const std::atomic<std::uint64_t>* cancelled_ = nullptr;
  std::uint32_t windows_ = 0;
};

class BoardWriter {
 public:
  BoardWriter(WriteBytes board, std::uint32_t windows);

  void set_generation(std::uint32_t window, std::uint32_t generation) const;
  /// Word `index` < kMaxSlots of the window; job 0 clears it.
  void set_cancelled(std::uint32_t window, std::size_t index, std::uint64_t job) const;

 private:
  std::atomic<std::uint32_t>* generations_;
  std::atomic<std::uint64_t>* cancelled_;
  std::uint32_t windows_;
};

}  // namespace tessera::workers
