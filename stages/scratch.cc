#include "stages/scratch.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "stages/frame_layout.h"

namespace tessera::stages {
namespace {
constexpr std::uint64_t kAlign = 64;
constexpr std::uint64_t kChunk = kScratchSlackBytes / 16;
}  // namespace

WriteBytes Scratch::take(std::uint64_t bytes) {
  const std::uint64_t need = std::max<std::uint64_t>((bytes + kAlign - 1) / kAlign * kAlign, kAlign);
  while (chunk_ < chunks_.size() && chunks_[chunk_].bytes - used_ < need) ++chunk_, used_ = 0;
  if (chunk_ == chunks_.size()) {
    const std::uint64_t size = std::max(need, kChunk);
    auto* memory = static_cast<std::byte*>(std::aligned_alloc(kAlign, size));
    if (!memory) throw std::bad_alloc();
    chunks_.push_back({{memory, [](void* p) { std::free(p); }}, size});
    used_ = 0;
  }
  std::byte* start = chunks_[chunk_].memory.get() + used_;
  used_ += need;
  return {start, bytes};
}

MutableView Scratch::take_view(const ImageInfo& info, const Region& region) {
  return view_in(take(frame_layout(info, region).bytes), info, region);
}

std::uint64_t Scratch::resident_bytes() const {
  std::uint64_t sum = 0;
  for (const Chunk& c : chunks_) sum += c.bytes;
  return sum;
}

void Scratch::shrink() { chunks_.clear(), chunk_ = 0, used_ = 0; }

}  // namespace tessera::stages
