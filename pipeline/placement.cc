// Where the frames of a whole job lie in its workspace: first fit over their lifetimes.
#include <algorithm>

#include "pipeline/plan.h"
#include "stages/frame_layout.h"

namespace tessera::pipeline {
namespace {
std::uint64_t bytes_of(const stages::ImageInfo& info) { return stages::frame_layout(info, info.bounds()).bytes; }
}  // namespace

Placement place_frames(const ImagePlan& plan, std::span<const std::uint64_t> placed) {
  struct Life {
    std::size_t first, last;  // passes
  };
  std::vector<Life> lives(plan.frames.size(), {0, plan.complete ? 0 : plan.passes.size()});
  for (std::size_t p = 0; p < plan.passes.size(); ++p) {
    if (plan.passes[p].into_frame >= 0) {
      Life& life = lives[static_cast<std::size_t>(plan.passes[p].into_frame)];
      life = {p, std::max(life.last, p)};
    }
    if (plan.passes[p].from_frame >= 0) {
      Life& life = lives[static_cast<std::size_t>(plan.passes[p].from_frame)];
      life.last = std::max(life.last, p);
    }
  }
  Placement placement{{placed.begin(), placed.end()}, 0};
  for (std::size_t f = 0; f < plan.frames.size(); ++f) {
    const std::uint64_t bytes = bytes_of(plan.frames[f]);
    if (f >= placed.size()) {
      // First fit: the lowest offset where no frame alive at the same time lies.
      std::uint64_t offset = 0;
      for (bool moved = true; moved;) {
        moved = false;
        for (std::size_t g = 0; g < f; ++g) {
          if (lives[g].last < lives[f].first || lives[f].last < lives[g].first) continue;
          const std::uint64_t begin = placement.offsets[g], end = begin + bytes_of(plan.frames[g]);
          if (offset < end && begin < offset + bytes) offset = end, moved = true;
        }
      }
      placement.offsets.push_back(offset);
    }
    placement.workspace_bytes = std::max(placement.workspace_bytes, placement.offsets[f] + bytes);
  }
  return placement;
}

}  // namespace tessera::pipeline
