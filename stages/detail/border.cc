#include "stages/detail/border.h"

#include <cassert>
#include <cstring>

namespace tessera::stages {

cv::Mat scratch_mat(std::int32_t height, std::int32_t width, int cv_type, Scratch& scratch) {
  const auto row_bytes = static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(CV_ELEM_SIZE(cv_type));
  const std::uint64_t stride = (row_bytes + 1 + 63) / 64 * 64;
  return cv::Mat(height, width, cv_type, scratch.take(stride * static_cast<std::uint64_t>(height)).data(), stride);
}

cv::Mat bordered(const ImageInfo& info, const View& in, const Region& region, std::int32_t radius_px,
                 Scratch& scratch) {
  assert(info.full_size() && in.region.contains(neighbourhood(info, region, radius_px)));
  const Region padded = grow(region, radius_px, radius_px), inside = intersect(padded, info.bounds());
  cv::Mat out = scratch_mat(padded.height(), padded.width(), info.format.cv_type(), scratch);
  const auto pixel = static_cast<std::ptrdiff_t>(info.format.pixel_bytes());
  const auto inside_bytes = static_cast<std::size_t>(inside.width() * pixel);
  for (std::int32_t y = padded.y0; y < padded.y1; ++y) {
    const std::byte* from = in.plane().row<std::byte>(reflect_101(y, info.height) - in.region.y0);
    std::byte* to = reinterpret_cast<std::byte*>(out.ptr(y - padded.y0));
    const auto copy = [&](std::int32_t x, std::int32_t source_x, std::size_t bytes) {
      std::memcpy(to + (x - padded.x0) * pixel, from + (source_x - in.region.x0) * pixel, bytes);
    };
    for (std::int32_t x = padded.x0; x < inside.x0; ++x)
      copy(x, reflect_101(x, info.width), static_cast<std::size_t>(pixel));
    copy(inside.x0, inside.x0, inside_bytes);
    for (std::int32_t x = inside.x1; x < padded.x1; ++x)
      copy(x, reflect_101(x, info.width), static_cast<std::size_t>(pixel));
  }
  return out;
}

}  // namespace tessera::stages
