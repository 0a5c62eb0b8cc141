// The reserved start of each worker window: what every slot is doing, written by the worker, read by the coordinator
// after its death and, in a worker of several slots, when a job runs for long. A worker that was taken over can write
// anything here: by that it gains time until the wall limit, and no more.
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
  std::atomic<std::uint64_t> thread;    // its id in the system
  std::atomic<std::uint64_t> cpu_base;  // the thread's CPU time when the job began, ns
};
static_assert(sizeof(SlotStatus) == 32 && std::atomic<std::uint64_t>::is_always_lock_free);

/// Bytes reserved for it at offset 0: whole pages.
std::uint64_t status_page_bytes();

/// The slot's place in a mapped window; slot < kMaxSlots.
SlotStatus& slot_status(WriteBytes window, std::size_t slot);

/// What a window's slots were doing, without mapping it.
struct LastStep {
  std::uint64_t job = 0, breadcrumb = 0, thread = 0, cpu_base = 0;
};
std::vector<LastStep> read_status_page(const Windows&, std::uint32_t window, std::size_t slots);

}  // namespace tessera::workers
