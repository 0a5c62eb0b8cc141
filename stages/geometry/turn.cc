#include "stages/geometry/turn.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace tessera::stages {
namespace {

// Pixels turned at a time when rows become columns, so that both sides' cache lines are used up.
constexpr std::int32_t kBlock = 32;

struct Axis {
  std::int32_t extent;
  int log2, phase;
};

// Where the grid begins when the axis is walked from its other end.
std::int8_t mirrored_phase(const Axis& axis) {
  const std::int32_t samples = ((axis.extent - 1 - axis.phase) >> axis.log2) + 1;
  return static_cast<std::int8_t>(axis.extent - (samples << axis.log2) - axis.phase);
}

Region mirrored(const Region& r, std::int32_t width, std::int32_t height, bool x, bool y) {
  return {x ? width - r.x1 : r.x0, y ? height - r.y1 : r.y0, x ? width - r.x0 : r.x1, y ? height - r.y0 : r.y1};
}

Region transposed(const Region& r) { return {r.y0, r.x0, r.y1, r.x1}; }

// One plane, both sides pointing at the first output sample; steps in bytes through the input per output step.
struct Walk {
  const std::byte* in;
  std::ptrdiff_t step_x, step_y;
  std::byte* out;
  std::ptrdiff_t out_stride;
  std::int32_t width, height;
};

template <int kBytes>
void walk_block(const Walk& w, std::int32_t x0, std::int32_t y0, std::int32_t x1, std::int32_t y1) {
  for (std::int32_t y = y0; y < y1; ++y) {
    std::byte* to = w.out + y * w.out_stride + static_cast<std::ptrdiff_t>(x0) * kBytes;
    const std::byte* from = w.in + y * w.step_y + x0 * w.step_x;
    for (std::int32_t x = x0; x < x1; ++x, to += kBytes, from += w.step_x) std::memcpy(to, from, kBytes);
  }
}

template <int kBytes>
void walk_plane(const Walk& w) {
  if (w.step_x == kBytes) {
    for (std::int32_t y = 0; y < w.height; ++y)
      std::memcpy(w.out + y * w.out_stride, w.in + y * w.step_y, static_cast<std::size_t>(w.width) * kBytes);
    return;
  }
  const std::int32_t block = w.step_x == -kBytes ? w.width : kBlock;
  for (std::int32_t y = 0; y < w.height; y += kBlock)
    for (std::int32_t x = 0; x < w.width; x += block)
      walk_block<kBytes>(w, x, y, std::min(x + block, w.width), std::min(y + kBlock, w.height));
}

void walk_plane_of(int pixel_bytes, const Walk& w) {
  switch (pixel_bytes) {
    case 1:
      return walk_plane<1>(w);
    case 2:
      return walk_plane<2>(w);
    case 3:
      return walk_plane<3>(w);
    case 4:
      return walk_plane<4>(w);
    case 6:
      return walk_plane<6>(w);
    case 8:
      return walk_plane<8>(w);
    case 12:
      return walk_plane<12>(w);
    default:
      return walk_plane<16>(w);
  }
}

class TurnOperation final : public Operation {
 public:
  TurnOperation(const ImageInfo& in, Turn turn) : in_(in), out_(turned_info(in, turn)), turn_(turn) {}

  ImageInfo output() const override { return out_; }
  Region required_input(const Region& out) const override {
    return turned_region(out, out_.width, out_.height, inverse(turn_));
  }
  std::array<double, 2> map_point(double x, double y) const override {
    if (turn_.transpose) std::swap(x, y);
    return {turn_.mirror_x ? out_.width - x : x, turn_.mirror_y ? out_.height - y : y};
  }

  void apply(const View& in, const MutableView& out, Scratch&) const override {
    // Exactly the samples that turn into those of out.region, so the corner to start at is a corner of this part.
    const View part = sub_view(in_, in, required_input(out.region));
    for (int p = 0; p < in_.format.planes(); ++p) {
      const auto& from = part.plane(p);
      const auto& to = out.plane(p);
      const std::ptrdiff_t pixel = in_.format.pixel_bytes();
      const std::ptrdiff_t along_x = turn_.transpose ? from.stride : pixel;
      const std::ptrdiff_t along_y = turn_.transpose ? pixel : from.stride;
      assert((turn_.transpose ? from.height : from.width) == to.width);
      const std::byte* start = from.data + (turn_.mirror_x ? (to.width - 1) * along_x : 0) +
                               (turn_.mirror_y ? (to.height - 1) * along_y : 0);
      walk_plane_of(static_cast<int>(pixel),
                    {start, turn_.mirror_x ? -along_x : along_x, turn_.mirror_y ? -along_y : along_y, to.data,
                     to.stride, to.width, to.height});
    }
  }

 private:
  ImageInfo in_, out_;
  Turn turn_;
};

}  // namespace

Region turned_region(const Region& r, std::int32_t width, std::int32_t height, Turn turn) {
  if (turn.transpose) return mirrored(transposed(r), height, width, turn.mirror_x, turn.mirror_y);
  return mirrored(r, width, height, turn.mirror_x, turn.mirror_y);
}

ImageInfo turned_info(const ImageInfo& in, Turn turn) {
  ImageInfo out = in;
  if (turn.transpose) std::swap(out.width, out.height);
  for (Grid& g : out.grid) {
    if (turn.transpose) g = {g.log2_y, g.log2_x, g.phase_y, g.phase_x};
    if (turn.mirror_x) g.phase_x = mirrored_phase({out.width, g.log2_x, g.phase_x});
    if (turn.mirror_y) g.phase_y = mirrored_phase({out.height, g.log2_y, g.phase_y});
  }
  return out;
}

std::unique_ptr<const Operation> turn_operation(const ImageInfo& in, Turn turn) {
  return std::make_unique<TurnOperation>(in, turn);
}

}  // namespace tessera::stages
