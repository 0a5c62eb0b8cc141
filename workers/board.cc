#include "workers/board.h"

#include <cassert>

#include "workers/mapping.h"

namespace tessera::workers {
namespace {

static_assert(std::atomic<std::uint32_t>::is_always_lock_free && sizeof(std::atomic<std::uint32_t>) == 4);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && sizeof(std::atomic<std::uint64_t>) == 8);

std::size_t cancelled_offset(std::uint32_t windows) { return ((windows + 1) * sizeof(std::uint32_t) + 63) / 64 * 64; }

}  // namespace

std::uint64_t board_header_bytes(std::uint32_t windows) {
  return round_up_to_page(cancelled_offset(windows) + (windows + 1) * kMaxSlots * sizeof(std::uint64_t));
}

// Fresh pages are zero, and a zero word is a valid lock-free atomic: nothing needs to be constructed.
BoardReader::BoardReader(ReadBytes board, std::uint32_t windows)
    : generations_(reinterpret_cast<const std::atomic<std::uint32_t>*>(board.data())),
      cancelled_(reinterpret_cast<const std::atomic<std::uint64_t>*>(board.data() + cancelled_offset(windows))),
      windows_(windows) {
  assert(board.size() >= board_header_bytes(windows));
}

std::uint32_t BoardReader::generation(std::uint32_t window) const {
  assert(window <= windows_);
  return generations_[window].load(std::memory_order_acquire);
}

bool BoardReader::is_cancelled(std::uint32_t window, std::uint64_t job, std::size_t slots) const {
  assert(window <= windows_ && slots <= kMaxSlots);
  const auto* const words = cancelled_ + window * kMaxSlots;
  for (std::size_t i = 0; i < slots; ++i)
    if (words[i].load(std::memory_order_relaxed) == job) return true;
  return false;
}

BoardWriter::BoardWriter(WriteBytes board, std::uint32_t windows)
    : generations_(reinterpret_cast<std::atomic<std::uint32_t>*>(board.data())),
      cancelled_(reinterpret_cast<std::atomic<std::uint64_t>*>(board.data() + cancelled_offset(windows))),
      windows_(windows) {
  assert(board.size() >= board_header_bytes(windows));
}

void BoardWriter::set_generation(std::uint32_t window, std::uint32_t generation) const {
  assert(window <= windows_);
  generations_[window].store(generation, std::memory_order_seq_cst);
}

void BoardWriter::set_cancelled(std::uint32_t window, std::size_t index, std::uint64_t job) const {
  assert(window <= windows_ && index < kMaxSlots);
  cancelled_[window * kMaxSlots + index].store(job, std::memory_order_relaxed);
}

}  // namespace tessera::workers
