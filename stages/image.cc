#include "stages/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>

namespace tessera::stages {
namespace {

// Floor division by 2^shift, right for negative values too.
std::int32_t floor_shift(std::int32_t value, int shift) { return value >> shift; }

struct Span1 {
  std::int32_t begin, end;
};

Span1 samples_1d(std::int32_t begin, std::int32_t end, std::int32_t extent, int log2, int phase) {
  const std::int32_t first = 0;
  const std::int32_t last = floor_shift(extent - 1 - phase, log2) + 1;
  if (end <= begin) return {first, first};
  return {std::clamp(floor_shift(begin - phase, log2), first, last),
          std::clamp(floor_shift(end - 1 - phase, log2) + 1, first, last)};
}

template <class AnyView>
AnyView sub_view_of(const ImageInfo& info, const AnyView& view, const Region& region) {
  assert(view.region.contains(region));
  AnyView part{view.format, region, {}};
  for (int i = 0; i < view.format.planes(); ++i) {
    const Region outer = samples(info, i, view.region), inner = samples(info, i, region);
    const auto& p = view.plane(i);
    part.planes[static_cast<std::size_t>(i)] = {
        p.data + (inner.y0 - outer.y0) * p.stride +
            static_cast<std::ptrdiff_t>(inner.x0 - outer.x0) * view.format.pixel_bytes(),
        p.stride, inner.width(), inner.height()};
  }
  return part;
}

}  // namespace

int PixelFormat::cv_type() const {
  const int cv_depth = depth == Depth::u8 ? CV_8U : depth == Depth::u16 ? CV_16U : CV_32F;
  return CV_MAKETYPE(cv_depth, channels());
}

std::string to_string(const PixelFormat& f) {
  const char* model = f.model == Model::gray ? "gray" : f.model == Model::bgr ? "bgr" : "ycbcr-planar";
  const char* depth = f.depth == Depth::u8 ? "u8" : f.depth == Depth::u16 ? "u16" : "f32";
  return fmt::format("{} {}{}", model, depth, f.alpha ? " alpha" : "");
}

Region intersect(const Region& a, const Region& b) {
  Region r{std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1), std::min(a.y1, b.y1)};
  r.x1 = std::max(r.x1, r.x0);
  r.y1 = std::max(r.y1, r.y0);
  return r;
}

Region unite(const Region& a, const Region& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {std::min(a.x0, b.x0), std::min(a.y0, b.y0), std::max(a.x1, b.x1), std::max(a.y1, b.y1)};
}

Region grow(const Region& r, std::int32_t halo_x, std::int32_t halo_y) {
  return {r.x0 - halo_x, r.y0 - halo_y, r.x1 + halo_x, r.y1 + halo_y};
}

bool ImageInfo::full_size() const {
  for (int i = 0; i < format.planes(); ++i)
    if (!grid[static_cast<std::size_t>(i)].full_size()) return false;
  return true;
}

bool valid(const ImageInfo& info) {
  if (info.width < 1 || info.height < 1 || info.width > kMaxSide || info.height > kMaxSide) return false;
  if (info.format.model > Model::ycbcr_planar || info.format.depth > Depth::f32) return false;
  return std::all_of(info.grid.begin(), info.grid.end(), [](const Grid& g) {
    return g.log2_x <= 5 && g.log2_y <= 5 && g.phase_x <= 0 && g.phase_y <= 0 && g.phase_x > -(1 << g.log2_x) &&
           g.phase_y > -(1 << g.log2_y);
  });
}

Region samples(const ImageInfo& info, int plane, const Region& region) {
  const Grid& g = info.grid[static_cast<std::size_t>(plane)];
  const Span1 x = samples_1d(region.x0, region.x1, info.width, g.log2_x, g.phase_x);
  const Span1 y = samples_1d(region.y0, region.y1, info.height, g.log2_y, g.phase_y);
  return {x.begin, y.begin, x.end, y.end};
}

View sub_view(const ImageInfo& info, const View& view, const Region& region) { return sub_view_of(info, view, region); }
MutableView sub_view(const ImageInfo& info, const MutableView& view, const Region& region) {
  return sub_view_of(info, view, region);
}

void copy_plane(const ImageInfo& info, int plane, const View& in, const MutableView& out) {
  const Region from = samples(info, plane, in.region), part = samples(info, plane, out.region);
  const auto pixel = static_cast<std::ptrdiff_t>(out.format.pixel_bytes());
  const auto& to = out.plane(plane);
  for (std::int32_t y = 0; y < to.height; ++y)
    std::memcpy(to.row<std::byte>(y),
                in.plane(plane).row<std::byte>(part.y0 + y - from.y0) + (part.x0 - from.x0) * pixel,
                static_cast<std::size_t>(to.width * pixel));
}

void copy_pixels(const ImageInfo& info, const View& in, const MutableView& out) {
  for (int i = 0; i < out.format.planes(); ++i) copy_plane(info, i, in, out);
}

}  // namespace tessera::stages
