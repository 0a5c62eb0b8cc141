// The border rule of all neighbourhood stages: reflect-101 (dcb|abcd|cba) at the image's own edges, and only there. At
// the edges of a band the true neighbours are used: they are part of the required input.
#pragma once

#include <opencv2/core/mat.hpp>

#include "stages/image.h"
#include "stages/scratch.h"

namespace tessera::stages {

/// The index inside 0 .. extent - 1 that stands for `i`, however far outside it lies.
constexpr std::int32_t reflect_101(std::int32_t i, std::int32_t extent) {
  if (extent == 1) return 0;
  const std::int32_t period = 2 * (extent - 1);
  i %= period;
  if (i < 0) i += period;
  return i < extent ? i : period - i;
}

/// `out` with its halo, clipped to the image. Everything that is reflected into the halo lies inside, too.
inline Region neighbourhood(const ImageInfo& info, const Region& out, std::int32_t radius_px) {
  return intersect(info.bounds(), grow(out, radius_px, radius_px));
}

/// The pixels of `region` and radius_px more on each side, as a matrix of its own in scratch (never continuous).
///   info    full-size, interleaved
///   in      contains neighbourhood(info, region, radius_px)
cv::Mat bordered(const ImageInfo& info, const View& in, const Region& region, std::int32_t radius_px, Scratch&);

/// A matrix in scratch, rows at 64 bytes and never continuous.
cv::Mat scratch_mat(std::int32_t height, std::int32_t width, int cv_type, Scratch&);

/// Stages that keep whole intermediates work in strips of so many rows, so that these stay in the cache.
constexpr std::int32_t kStripRows = 64;

}  // namespace tessera::stages
