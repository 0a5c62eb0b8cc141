#include "stages/geometry/background.h"

#include <cassert>
#include <cmath>
#include <cstring>

namespace tessera::stages {
namespace {

template <class Sample>
void store(BackgroundPixel& pixel, std::size_t c) {
  const auto sample = static_cast<Sample>(pixel.samples[c]);
  std::memcpy(pixel.bytes.data() + c * sizeof(Sample), &sample, sizeof(Sample));
}

}  // namespace

PixelFormat format_for_background(PixelFormat in, const Color& background) {
  const bool colored = background.blue != background.green || background.green != background.red;
  return {in.model == Model::gray && !colored ? Model::gray : Model::bgr, in.depth, in.alpha || background.alpha < 1};
}

BackgroundPixel background_pixel(PixelFormat format, const Color& background) {
  assert(format.model != Model::ycbcr_planar);
  BackgroundPixel pixel;
  const auto channels = static_cast<std::size_t>(format.channels());
  if (format.model == Model::gray)
    pixel.samples = {background.gray()};
  else
    pixel.samples = {background.blue, background.green, background.red};
  if (format.alpha) pixel.samples[channels - 1] = background.alpha;
  for (std::size_t c = 0; c < channels; ++c) {
    double& sample = pixel.samples[c];
    switch (format.depth) {
      case Depth::u8:
        sample = std::floor(sample * 255 + 0.5);
        store<std::uint8_t>(pixel, c);
        break;
      case Depth::u16:
        sample = std::floor(sample * 65535 + 0.5);
        store<std::uint16_t>(pixel, c);
        break;
      case Depth::f32:
        store<float>(pixel, c);
        break;
    }
  }
  return pixel;
}

void fill(const MutableView& out, const BackgroundPixel& pixel) {
  const auto& plane = out.plane();
  if (plane.width == 0 || plane.height == 0) return;
  const auto bytes = static_cast<std::size_t>(out.format.pixel_bytes());
  auto* first = plane.row<std::byte>(0);
  const std::size_t row_bytes = static_cast<std::size_t>(plane.width) * bytes;
  for (std::size_t x = 0; x < row_bytes; x += bytes) std::memcpy(first + x, pixel.bytes.data(), bytes);
  for (std::int32_t y = 1; y < plane.height; ++y) std::memcpy(plane.row<std::byte>(y), first, row_bytes);
}

}  // namespace tessera::stages
