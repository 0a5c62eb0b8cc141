#include "stages/codecs/jpeg_planes.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "stages/simd/pixel_rows.h"

namespace tessera::stages {

void JpegPlanes::Plane::allocate() {
  samples.resize(static_cast<std::size_t>(stride) * static_cast<std::size_t>(rows));
  for (std::int32_t y = 0; y < rows; ++y) row_pointers.push_back(row(y));
}

void JpegPlanes::point() {
  for (std::size_t i = 0; i < planes_.size(); ++i) {
    planes_[i].allocate();
    image_[i] = planes_[i].row_pointers.data();
  }
}

JpegPlanes::JpegPlanes(const jpeg_decompress_struct& cinfo) {
  assert(cinfo.num_components == 3);
  for (std::size_t i = 0; i < planes_.size(); ++i) {
    const jpeg_component_info& c = cinfo.comp_info[i];
    planes_[i].stride = static_cast<std::int32_t>(c.width_in_blocks) * c.DCT_scaled_size;
    planes_[i].rows = c.v_samp_factor * c.DCT_scaled_size;
    planes_[i].width = static_cast<std::int32_t>(c.downsampled_width);
    planes_[i].height = static_cast<std::int32_t>(c.downsampled_height);
    planes_[i].shrink = c.DCT_scaled_size / cinfo.min_DCT_scaled_size;
  }
  point();
}

JpegPlanes::JpegPlanes(const jpeg_compress_struct& cinfo) {
  assert(cinfo.num_components == 3);
  for (std::size_t i = 0; i < planes_.size(); ++i) {
    const jpeg_component_info& c = cinfo.comp_info[i];
    planes_[i].stride = static_cast<std::int32_t>(c.width_in_blocks) * DCTSIZE;
    planes_[i].rows = c.v_samp_factor * DCTSIZE;
  }
  point();
}

void JpegPlanes::average(const Plane& plane, std::int32_t first_row, std::int32_t y, const MutableView::Plane& out,
                         std::int32_t out_row) const {
  const std::int32_t n = plane.shrink;
  const std::int32_t rows = std::min(n, plane.height - y * n);  // real rows of the component under this sample
  JSAMPLE* to = out.row<JSAMPLE>(out_row);
  const JSAMPLE* from = plane.row((y - first_row) * n);
  if (n == 2 && rows == 2) {  // 4:2:0, all rows but an odd last one
    const JSAMPLE* below = from + plane.stride;
    const std::int32_t pairs = std::min(out.width, plane.width / 2);
    pixel_rows::average_2x2(from, below, pairs, to);
    if (pairs < out.width) to[pairs] = static_cast<JSAMPLE>((from[2 * pairs] + below[2 * pairs] + 1) / 2);
    return;
  }
  for (std::int32_t x = 0; x < out.width; ++x) {
    const std::int32_t columns = std::min(n, plane.width - x * n);
    std::int32_t sum = 0;
    for (std::int32_t j = 0; j < rows; ++j)
      for (std::int32_t i = 0; i < columns; ++i) sum += from[j * plane.stride + x * n + i];
    to[x] = static_cast<JSAMPLE>((sum + rows * columns / 2) / (rows * columns));
  }
}

void JpegPlanes::copy(const ImageInfo& info, const Region& held, const MutableView& out) const {
  for (int p = 0; p < 3; ++p) {
    const Plane& plane = planes_[static_cast<std::size_t>(p)];
    const auto& to = out.plane(p);
    const std::int32_t first = samples(info, p, held).y0, begin = samples(info, p, out.region).y0;
    for (std::int32_t y = 0; y < to.height; ++y) {
      if (plane.shrink > 1)
        average(plane, first, begin + y, to, y);
      else
        std::memcpy(to.row<JSAMPLE>(y), plane.row(begin + y - first), static_cast<std::size_t>(to.width));
    }
  }
}

void JpegPlanes::take(const ImageInfo& info, const Region& held, const View& in) {
  for (int p = 0; p < 3; ++p) {
    Plane& plane = planes_[static_cast<std::size_t>(p)];
    const auto& from = in.plane(p);
    const std::int32_t at = samples(info, p, in.region).y0 - samples(info, p, held).y0;
    for (std::int32_t y = 0; y < from.height; ++y) {
      JSAMPLE* to = plane.row(at + y);
      std::memcpy(to, from.row<JSAMPLE>(y), static_cast<std::size_t>(from.width));
      std::fill(to + from.width, to + plane.stride, to[from.width - 1]);
    }
  }
}

void JpegPlanes::pad_below(const ImageInfo& info, const Region& held) {
  for (int p = 0; p < 3; ++p) {
    Plane& plane = planes_[static_cast<std::size_t>(p)];
    for (std::int32_t y = samples(info, p, held).height(); y < plane.rows; ++y)
      std::memcpy(plane.row(y), plane.row(y - 1), static_cast<std::size_t>(plane.stride));
  }
}

}  // namespace tessera::stages
