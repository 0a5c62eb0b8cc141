#include "stages/tone/affine_planes.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace tessera::stages {
namespace {

using Table = std::array<std::uint8_t, 256>;

Table tabulate(double slope, double offset) {
  Table table;
  for (std::size_t v = 0; v < table.size(); ++v)
    table[v] =
        static_cast<std::uint8_t>(std::clamp(std::floor(slope * static_cast<double>(v) + offset + 0.5), 0.0, 255.0));
  return table;
}

class AffinePlanes final : public Operation {
 public:
  AffinePlanes(const ImageInfo& info, double slope, double offset)
      : info_(info), luma_(tabulate(slope, offset * 255)), chroma_(tabulate(slope, 128 * (1 - slope))) {}

  ImageInfo output() const override { return info_; }
  Region required_input(const Region& out) const override { return out; }
  void apply(const View& in, const MutableView& out, Scratch&) const override {
    const View part = sub_view(info_, in, out.region);
    for (int p = 0; p < 3; ++p) {
      const Table& table = p == 0 ? luma_ : chroma_;
      const auto& to = out.plane(p);
      for (std::int32_t y = 0; y < to.height; ++y) {
        const auto* from = part.plane(p).row<std::uint8_t>(y);
        std::transform(from, from + to.width, to.row<std::uint8_t>(y), [&](std::uint8_t v) { return table[v]; });
      }
    }
  }

 private:
  ImageInfo info_;
  Table luma_, chroma_;
};

}  // namespace

std::unique_ptr<const Operation> affine_planes(const ImageInfo& in, double slope, double offset) {
  assert((in.format == PixelFormat{Model::ycbcr_planar, Depth::u8, false}) && keeps_range(slope, offset));
  return std::make_unique<AffinePlanes>(in, slope, offset);
}

bool keeps_range(double slope, double offset) {
  // The slope of a tangent is a hair off: half a level of 16 bits is nothing.
  constexpr double kSlack = 0.5 / 65535;
  return std::min(offset, slope + offset) >= -kSlack && std::max(offset, slope + offset) <= 1 + kSlack;
}

}  // namespace tessera::stages
