// The jobs that one worker holds, as whoever started them knows it, and their words among the board's cancelled ones.
#pragma once

#include <cstdint>
#include <vector>

#include "workers/board.h"

namespace tessera::workers {

class HeldJobs {
 public:
  HeldJobs(BoardWriter board, std::uint32_t window, std::size_t slots) : board_(board), window_(window), ids_(slots) {}

  std::size_t size() const { return size_; }
  bool holds(std::uint64_t job) const { return job != 0 && find(job) < ids_.size(); }
  std::vector<std::uint64_t> ids() const;
  /// The lowest free place, 0 .. slots-1: there must be one.
  std::size_t add(std::uint64_t job);
  /// False when it was not held.
  bool remove(std::uint64_t job);
  /// Raises the job's flag, if it is held. It is lowered when the job is removed.
  bool cancel(std::uint64_t job) const;
  void cancel_all() const;

 private:
  std::size_t find(std::uint64_t job) const;  // ids_.size() when it is not there
  BoardWriter board_;
  std::uint32_t window_;
  std::vector<std::uint64_t> ids_;  // 0: free
  std::size_t size_ = 0;
};

}  // namespace tessera::workers
