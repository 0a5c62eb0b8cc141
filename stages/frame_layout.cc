#include "stages/frame_layout.h"

#include <cassert>

namespace tessera::stages {
namespace {

template <class View, class Span>
View view_of(Span memory, const ImageInfo& info, const Region& region) {
  const FrameLayout layout = frame_layout(info, region);
  assert(memory.size() >= layout.bytes);
  View view{info.format, region, {}};
  for (std::size_t i = 0; i < static_cast<std::size_t>(info.format.planes()); ++i) {
    const auto& p = layout.planes[i];
    view.planes[i] = {memory.data() + p.offset, static_cast<std::ptrdiff_t>(p.stride), p.width, p.height};
  }
  return view;
}

}  // namespace

FrameLayout frame_layout(const ImageInfo& info, const Region& region) {
  FrameLayout layout;
  for (int i = 0; i < info.format.planes(); ++i) {
    const Region s = samples(info, i, region);
    // + 1 before rounding: a row that fills its 64-byte lines exactly gets one line more.
    const std::int64_t stride = (static_cast<std::int64_t>(s.width()) * info.format.pixel_bytes() + 1 + 63) / 64 * 64;
    layout.planes[static_cast<std::size_t>(i)] = {layout.bytes, stride, s.width(), s.height()};
    layout.bytes += static_cast<std::uint64_t>(stride) * static_cast<std::uint64_t>(s.height());
  }
  return layout;
}

MutableView view_in(WriteBytes memory, const ImageInfo& info, const Region& region) {
  return view_of<MutableView>(memory, info, region);
}
View view_in(ReadBytes memory, const ImageInfo& info, const Region& region) {
  return view_of<View>(memory, info, region);
}

}  // namespace tessera::stages
