// The whole way of planes against a picture that is known everywhere: a smooth function of the place, encoded with
// every sampling, decoded at every scale, resampled. Half a sample of shift anywhere costs 10 dB and more.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "stages/resampler.h"
#include "tests/stages/codecs/codec_testing.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

// Waves of 80 to 150 pixels, in full-size pixels from the image's corner; other ones in each plane.
double wave(int plane, double x, double y) {
  return 128 + 60 * std::sin(x / (13.0 + 3 * plane) + plane) * std::cos(y / (17.0 - 2 * plane) - 0.5 * plane);
}

double centre(int i, int log2, int phase) { return (i + 0.5) * (1 << log2) + phase; }

OwnedImage wave_image(const ImageInfo& info, double zoom_x, double zoom_y) {
  OwnedImage image(info);
  for (int p = 0; p < 3; ++p) {
    const Grid& g = info.grid[static_cast<std::size_t>(p)];
    const auto plane = image.view().plane(p);
    for (int y = 0; y < plane.height; ++y)
      for (int x = 0; x < plane.width; ++x)
        plane.row<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(
            std::lround(wave(p, centre(x, g.log2_x, g.phase_x) * zoom_x, centre(y, g.log2_y, g.phase_y) * zoom_y)));
  }
  return image;
}

double psnr(const OwnedImage& a, const OwnedImage& b, int plane) {
  double sum = 0, count = 0;
  const auto pa = a.view().plane(plane), pb = b.view().plane(plane);
  REQUIRE(pa.width == pb.width);
  REQUIRE(pa.height == pb.height);
  // The last samples hang over the image's edge, where the filter has less to go by.
  for (int y = 2; y + 2 < pa.height; ++y)
    for (int x = 2; x + 2 < pa.width; ++x) {
      const double d = pa.row<std::uint8_t>(y)[x] - pb.row<std::uint8_t>(y)[x];
      sum += d * d, ++count;
    }
  return 10 * std::log10(255 * 255 * count / std::max(sum, 1.0));
}

ImageInfo planes_of(int width, int height, int cx, int cy) {
  ImageInfo info{width, height, {Model::ycbcr_planar, Depth::u8, false}, {}, 0};
  info.grid[1] = info.grid[2] = {static_cast<std::uint8_t>(cx), static_cast<std::uint8_t>(cy)};
  return info;
}

}  // namespace

TEST_CASE("decoded at any scale and resized, planes of any sampling stay in their places", "[planes]") {
  for (const auto& [cx, cy] : {std::pair{0, 0}, {1, 0}, {1, 1}, {0, 1}, {2, 0}})
    for (const auto& [width, height] : {std::pair{725, 541}, {722, 539}, {720, 544}}) {
      const Bytes file = encode("jpeg", wave_image(planes_of(width, height, cx, cy), 1, 1), {{"quality", "97"}});
      for (const std::uint8_t scale : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}})
        for (const Grid wanted : {Grid{}, Grid{1, 1}}) {
          const OwnedImage decoded = decode(file, {.scale_log2 = scale, .planar = true});
          const int w = (width >> scale) / 2 + 1, h = (height >> scale) / 2 + 1;
          const auto operation = resample(decoded.info(), {w, h, {0, 0, w, h}, wanted}, Filter::lanczos3);
          OwnedImage out(operation->output());
          Scratch scratch;
          operation->apply(decoded.view(), out.view(), scratch);
          const OwnedImage expected =
              wave_image(out.info(), width / static_cast<double>(w), height / static_cast<double>(h));
          for (int p = 0; p < 3; ++p) {
            INFO(fmt::format("{}x{} chroma {},{} at 1/{} to {}x{}, chroma {}, plane {}", width, height, cx, cy,
                             1 << scale, w, h, wanted.log2_x, p));
            // A sample of 16 or 32 pixels averages the wave: the finer the output, the nearer the wave itself.
            CHECK(psnr(out, expected, p) > (scale < 2 ? 40 : scale == 2 ? 33 : 22));
          }
        }
    }
}
