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

// The samples that libjpeg makes of one BGR pixel: 16-bit fixed point, luma rounded half up, chroma half down.
std::array<double, 4> ycbcr_of(const Color& color) {
  const auto level = [](double v) { return static_cast<std::int32_t>(std::floor(v * 255 + 0.5)); };
  const std::int32_t b = level(color.blue), g = level(color.green), r = level(color.red);
  constexpr std::int32_t kHalf = 32768, kMiddle = (128 << 16) + kHalf - 1;
  return {static_cast<double>((7471 * b + 38470 * g + 19595 * r + kHalf) >> 16),
          static_cast<double>((32768 * b - 21710 * g - 11058 * r + kMiddle) >> 16),
          static_cast<double>((-5329 * b - 27439 * g + 32768 * r + kMiddle) >> 16)};
}

}  // namespace

PixelFormat format_for_background(PixelFormat in, const Color& background) {
  if (in == PixelFormat{Model::ycbcr_planar, Depth::u8, false} && background.alpha == 1) return in;
  const bool colored = background.blue != background.green || background.green != background.red;
  return {in.model == Model::gray && !colored ? Model::gray : Model::bgr, in.depth, in.alpha || background.alpha < 1};
}

BackgroundPixel background_pixel(PixelFormat format, const Color& background) {
  BackgroundPixel pixel;
  if (format.model == Model::ycbcr_planar) {
    assert(format.depth == Depth::u8 && !format.alpha && background.alpha == 1);
    pixel.samples = ycbcr_of(background);
    for (std::size_t p = 0; p < 3; ++p) store<std::uint8_t>(pixel, p);
    return pixel;
  }
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

void fill_pixels(const BackgroundPixel& pixel, PixelFormat format, int plane, std::int32_t count, std::byte* out) {
  const auto bytes = static_cast<std::size_t>(format.pixel_bytes());
  const std::byte* from = pixel.bytes.data() + static_cast<std::size_t>(plane) * bytes;
  for (std::int32_t x = 0; x < count; ++x, out += bytes) std::memcpy(out, from, bytes);
}

void fill(const MutableView& out, const BackgroundPixel& pixel) {
  const auto& plane = out.plane();
  if (plane.width == 0 || plane.height == 0) return;
  auto* first = plane.row<std::byte>(0);
  fill_pixels(pixel, out.format, 0, plane.width, first);
  const auto row_bytes = static_cast<std::size_t>(plane.width) * static_cast<std::size_t>(out.format.pixel_bytes());
  for (std::int32_t y = 1; y < plane.height; ++y) std::memcpy(plane.row<std::byte>(y), first, row_bytes);
}

}  // namespace tessera::stages
