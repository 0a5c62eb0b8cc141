#include "workers/arena.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "workers/board.h"

namespace tessera::workers {

Lease::Lease(Lease&& other) noexcept
    : arena_(std::exchange(other.arena_, nullptr)),
      block_(std::exchange(other.block_, {})),
      private_bytes_(std::exchange(other.private_bytes_, 0)) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    release();
    arena_ = std::exchange(other.arena_, nullptr);
    block_ = std::exchange(other.block_, {});
    private_bytes_ = std::exchange(other.private_bytes_, 0);
  }
  return *this;
}

Lease::~Lease() { release(); }

void Lease::release() noexcept {
  if (arena_ != nullptr) arena_->give_back(block_, private_bytes_);
  arena_ = nullptr;
  block_ = {};
  private_bytes_ = 0;
}

Arena::Arena(Windows& windows, std::uint64_t budget_bytes, std::uint64_t reserved_bytes)
    : windows_(windows), budget_(budget_bytes), spaces_(windows.count() + 1) {
  for (std::uint32_t window = 0; window < spaces_.size(); ++window) {
    Space& space = spaces_[window];
    space.capacity = windows.capacity(window);
    space.first = window == kBoard ? board_header_bytes(windows.count()) : round_up_to_page(reserved_bytes);
    assert(space.first <= space.capacity);
  }
}

bool Arena::could_ever_fit(std::span<const Want> wants) const {
  std::uint64_t left = budget_;
  std::vector<std::uint64_t> room(spaces_.size());
  std::ranges::transform(spaces_, room.begin(), [](const Space& space) { return space.capacity - space.first; });
  for (const Want& want : wants) {
    assert(want.window < spaces_.size());
    // Compared before it is rounded up: a want near 2^64 must not wrap round to a small one.
    if (want.block_bytes > room[want.window]) return false;
    const std::uint64_t pages = round_up_to_page(want.block_bytes);
    if (pages > left || want.private_bytes > left - pages || pages > room[want.window]) return false;
    left -= pages + want.private_bytes;
    room[want.window] -= pages;
  }
  return true;
}

std::optional<std::vector<Lease>> Arena::lease(std::span<const Want> wants) {
  if (!could_ever_fit(wants)) return std::nullopt;
  std::uint64_t pages = 0, private_bytes = 0;
  for (const Want& want : wants) {
    pages += round_up_to_page(want.block_bytes);
    private_bytes += want.private_bytes;
  }
  if (usage_.leased + usage_.private_bytes + pages + private_bytes > budget_) return std::nullopt;
  std::vector<Lease> leases(wants.size());
  const auto placements = place(wants);
  if (!placements) return std::nullopt;

  auto placement = placements->begin();
  for (std::size_t i = 0; i < wants.size(); ++i) {
    leases[i].arena_ = this;
    leases[i].private_bytes_ = wants[i].private_bytes;
    usage_.private_bytes += wants[i].private_bytes;
    if (wants[i].block_bytes == 0) continue;
    const auto& [window, range] = *placement++;
    leases[i].block_ = {window, spaces_[window].generation, range->first, wants[i].block_bytes};
    usage_.leased += range->second;
    reuse_warm(spaces_[window], range->first, range->second);
  }
  trim(budget_ - usage_.leased - usage_.private_bytes);
  usage_.peak = std::max(usage_.peak, usage_.leased + usage_.warm + usage_.private_bytes);
  return leases;
}

/// Enters all blocks into `leased`, or none of them.
std::optional<std::vector<Arena::Placement>> Arena::place(std::span<const Want> wants) {
  std::vector<Placement> placements;
  placements.reserve(wants.size());
  for (const Want& want : wants) {
    if (want.block_bytes == 0) continue;
    Space& space = spaces_[want.window];
    const std::uint64_t bytes = round_up_to_page(want.block_bytes);
    std::uint64_t offset = space.first;
    auto next = space.leased.begin();
    for (; next != space.leased.end() && next->first - offset < bytes; ++next) offset = next->first + next->second;
    if (space.capacity - offset < bytes) {
      for (const auto& [window, range] : placements) spaces_[window].leased.erase(range);
      return std::nullopt;
    }
    placements.emplace_back(want.window, space.leased.emplace_hint(next, offset, bytes));
  }
  return placements;
}

/// Takes [offset, offset + bytes) out of the window's warm ranges: these pages are leased now.
void Arena::reuse_warm(Space& space, std::uint64_t offset, std::uint64_t bytes) {
  const std::uint64_t end = offset + bytes;
  auto range = space.warm.lower_bound(offset);
  if (range != space.warm.begin() && std::prev(range)->first + std::prev(range)->second > offset) --range;
  while (range != space.warm.end() && range->first < end) {
    const std::uint64_t range_offset = range->first, range_end = range->first + range->second;
    const std::uint64_t taken = std::min(end, range_end) - std::max(offset, range_offset);
    if (range_end > end) space.warm.emplace(end, range_end - end);
    if (range_offset < offset) {
      range->second = offset - range_offset;
      ++range;
    } else {
      range = space.warm.erase(range);
    }
    space.warm_bytes -= taken;
    usage_.warm -= taken;
  }
}

/// The map node moves from leased to warm, so that nothing is allocated here and a destructor cannot fail.
void Arena::give_back(const Block& block, std::uint64_t private_bytes) noexcept {
  usage_.private_bytes -= private_bytes;
  if (block.empty()) return;
  Space& space = spaces_[block.window];
  if (block.generation != space.generation) return;
  auto node = space.leased.extract(block.offset);
  assert(!node.empty());
  const std::uint64_t bytes = node.mapped();
  usage_.leased -= bytes;
  usage_.warm += bytes;
  space.warm_bytes += bytes;
  space.warm.insert(std::move(node));
}

void Arena::forget(std::uint32_t window) {
  assert(window != kBoard && window < spaces_.size());
  Space& space = spaces_[window];
  ++space.generation;
  // The generation is on the board before the pages go: whoever still finds the old one has read the old bytes.
  BoardWriter(windows_.board(), windows_.count()).set_generation(window, space.generation);
  for (const auto& [offset, bytes] : space.leased) usage_.leased -= bytes;
  usage_.warm -= space.warm_bytes;
  space.leased.clear();
  space.warm.clear();
  space.warm_bytes = 0;
  windows_.punch(window, 0, space.capacity);
}

/// The window with the most warm bytes gives first, from its far end: low offsets are the next to be leased.
void Arena::trim(std::uint64_t warm_bytes) {
  while (usage_.warm > warm_bytes) {
    const auto space = std::ranges::max_element(spaces_, {}, &Space::warm_bytes);
    const auto last = std::prev(space->warm.end());
    const std::uint64_t bytes = std::min(last->second, round_up_to_page(usage_.warm - warm_bytes));
    const std::uint64_t kept = last->second - bytes;
    windows_.punch(static_cast<std::uint32_t>(space - spaces_.begin()), last->first + kept, bytes);
    if (kept == 0)
      space->warm.erase(last);
    else
      last->second = kept;
    space->warm_bytes -= bytes;
    usage_.warm -= bytes;
  }
}

std::uint32_t Arena::generation(std::uint32_t window) const { return spaces_.at(window).generation; }

std::uint64_t Arena::held_bytes(std::uint32_t window) const {
  const Space& space = spaces_.at(window);
  std::uint64_t bytes = space.first + space.warm_bytes;
  for (const auto& [offset, leased] : space.leased) bytes += leased;
  return bytes;
}

WriteBytes Arena::board_bytes(const Block& block) const {
  assert(block.window == kBoard && block.generation == spaces_[kBoard].generation);
  assert(spaces_[kBoard].leased.contains(block.offset));
  return windows_.board().subspan(block.offset, block.bytes);
}

}  // namespace tessera::workers
