// The colour of pixels that no input pixel covers: a rotated image's corners, a pad's border.
#pragma once

#include "stages/image.h"
#include "stages/values.h"

namespace tessera::stages {

/// The format nearest to `in` that can hold `background` beside the image: colour when it has a colour, alpha when it
/// is not opaque. Planes (8 bit, without alpha) stay planes for what is opaque, else they become BGR.
PixelFormat format_for_background(PixelFormat in, const Color& background);

/// One pixel in `format`, its samples in memory order; of planes one sample each, those that libjpeg would make of the
/// colour in BGR.
struct BackgroundPixel {
  std::array<std::byte, 16> bytes{};
  std::array<double, 4> samples{};  // 0..255, 0..65535 or 0..1
};
BackgroundPixel background_pixel(PixelFormat format, const Color& background);

/// `count` pixels of one plane.
void fill_pixels(const BackgroundPixel&, PixelFormat, int plane, std::int32_t count, std::byte* out);
/// Fills every sample of `out` (interleaved) with the pixel.
void fill(const MutableView& out, const BackgroundPixel& pixel);

}  // namespace tessera::stages
