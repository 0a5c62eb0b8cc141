// The reserved start of each worker window: what every slot is doing, one word each, written by the worker and read by
// the coordinator after its death. Diagnosis only: a worker that was taken over can write anything here.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "workers/board.h"
#include "workers/window.h"

namespace tessera::workers {

struct SlotStatus {
  std::atomic<std::uint64_t> job;  // 0: idle
  std::atomic<std::uint64_t> breadcrumb;
};
static_assert(sizeof(SlotStatus) == 16 && std::atomic<std::uint64_t>::is_always_lock_free);

/// Bytes reserved for it at offset 0: whole pages.
std::uint64_t status_page_bytes();

/// The slot's place in a mapped window; slot < kMaxSlots.
SlotStatus& slot_status(WriteBytes window, std::size_t slot);

/// What a window's slots were doing, without mapping it.
struct LastStep {
  std::uint64_t job = 0, breadcrumb = 0;
};
std::vector<LastStep> read_status_page(const Windows&, std::uint32_t window, std::size_t slots);

}  // namespace tessera::workers
