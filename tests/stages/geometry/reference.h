// The resampler's oracle: weights in double from the filters' definitions, every sample of the input looked at for
// every output sample, in full-size pixels. And checks that operations of this folder share: tilings on coarse and
// planar images, which check_stage does not draw.
#pragma once

#include "stages/resampler.h"
#include "tests/stages/naive.h"

namespace tessera::tests {

/// One plane of an image as real numbers, with the grid it lies on.
struct ReferencePlane {
  int width = 0, height = 0, channels = 1;  // samples
  std::vector<double> samples;
  double& at(int x, int y, int c) { return samples[static_cast<std::size_t>((y * width + x) * channels + c)]; }
  double at(int x, int y, int c) const { return const_cast<ReferencePlane*>(this)->at(x, y, c); }
};
ReferencePlane reference_plane(const stages::ImageInfo&, const stages::View&, int plane);

/// Not rounded; integers clamped to their range. Alpha: weighted, divided, 0 where alpha rounds to 0.
ReferencePlane reference_resample(const stages::ImageInfo& in, const ReferencePlane&, int plane,
                                  const stages::ResampleTarget&, stages::Filter);
NaiveImage reference_resize(const NaiveImage&, int width, int height, stages::Filter);

/// The largest difference over all samples of the plane; the operation is given its required input only.
double worst_difference(const ReferencePlane& expected, const ReferencePlane& actual);

/// A whole image through an operation that is handed no more than its required input, copied out of the image.
OwnedImage run_operation(const stages::Operation&, const OwnedImage& input);
/// Random regions and bands give the bytes of the whole, from copies of their required input alone.
void check_tilings(const stages::Operation&, const OwnedImage& input, std::mt19937& random);

/// Every sample random.
OwnedImage noise_image(const stages::ImageInfo&, std::mt19937& random);
stages::ImageInfo image_info(int width, int height, stages::PixelFormat);
/// Planar, 8 bit: luma on a grid of 2^scale, chroma coarser by (x, y).
stages::ImageInfo planar_info(int width, int height, int scale, int chroma_x, int chroma_y);

}  // namespace tessera::tests
