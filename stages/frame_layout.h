// How the pixels of a region lie in memory: one plane after the other, rows padded. Pure arithmetic, so coordinator and
// worker agree on the bytes a frame takes without asking each other.
#pragma once

#include "stages/image.h"

namespace tessera::stages {

/// Rows start at multiples of 64 bytes and are always longer than their pixels (see BasicView).
struct FrameLayout {
  struct Plane {
    std::uint64_t offset = 0;
    std::int64_t stride = 0;
    std::int32_t width = 0, height = 0;  // samples
  };
  std::array<Plane, 4> planes{};
  std::uint64_t bytes = 0;  // a multiple of 64
};
FrameLayout frame_layout(const ImageInfo&, const Region&);

/// View of `region` in `memory`, which must hold at least frame_layout(info, region).bytes, 64-byte aligned.
MutableView view_in(WriteBytes memory, const ImageInfo&, const Region&);
View view_in(ReadBytes memory, const ImageInfo&, const Region&);

}  // namespace tessera::stages
