#include "workers/status_page.h"

#include <cassert>

namespace tessera::workers {

std::uint64_t status_page_bytes() { return round_up_to_page(kMaxSlots * sizeof(SlotStatus)); }

SlotStatus& slot_status(WriteBytes window, std::size_t slot) {
  assert(slot < kMaxSlots && window.size() >= status_page_bytes());
  return reinterpret_cast<SlotStatus*>(window.data())[slot];
}

std::vector<LastStep> read_status_page(const Windows& windows, std::uint32_t window, std::size_t slots) {
  static_assert(sizeof(LastStep) == sizeof(SlotStatus));
  std::vector<LastStep> steps(slots);
  windows.peek(window, 0, std::as_writable_bytes(std::span(steps)));
  return steps;
}

}  // namespace tessera::workers
