#include "stages/convert.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "stages/frame_layout.h"
#include "tests/stages/naive.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

const Color kBackground{0.2, 0.4, 0.8, 1};

OwnedImage converted(const OwnedImage& in, PixelFormat to) {
  const auto operation = convert_format(in.info(), to, kBackground);
  OwnedImage out(operation->output());
  Scratch scratch;
  // Odd bands, and a column cut: no halo is needed.
  for (int y = 0; y < in.info().height; y += 5)
    for (const auto& [x0, x1] : {std::pair{0, in.info().width / 3}, {in.info().width / 3, in.info().width}}) {
      const Region region{x0, y, x1, std::min(y + 5, in.info().height)};
      if (region.empty()) continue;
      operation->apply(sub_view(in.info(), in.view(), operation->required_input(region)),
                       sub_view(out.info(), out.view(), region), scratch);
    }
  return out;
}

// In real numbers, 0..1, rounded once at the end.
NaiveImage naive_convert(const NaiveImage& in, PixelFormat to) {
  NaiveImage out = make_naive(in.width, in.height, to);
  for (int y = 0; y < in.height; ++y)
    for (int x = 0; x < in.width; ++x) {
      const bool gray = in.format.model == Model::gray;
      double color[3], alpha = in.format.alpha ? in.at(x, y, in.channels() - 1) / in.max_value() : 1;
      const double background[3] = {kBackground.blue, kBackground.green, kBackground.red};
      for (int c = 0; c < 3; ++c) {
        color[c] = in.at(x, y, gray ? 0 : c) / in.max_value();
        if (in.format.alpha && !to.alpha) color[c] = color[c] * alpha + background[c] * (1 - alpha);
      }
      const double luma = 0.114 * color[0] + 0.587 * color[1] + 0.299 * color[2];
      for (int c = 0; c < to.color_channels(); ++c)
        out.at(x, y, c) = (to.model == Model::gray ? luma : color[c]) * out.max_value();
      if (to.alpha) out.at(x, y, out.channels() - 1) = alpha * out.max_value();
    }
  return out;
}

std::vector<PixelFormat> interleaved_formats() {
  std::vector<PixelFormat> formats;
  for (const Model model : {Model::gray, Model::bgr})
    for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
      for (const bool alpha : {false, true}) formats.push_back({model, depth, alpha});
  return formats;
}

double levels(Depth depth) { return depth == Depth::u8 ? 255 : depth == Depth::u16 ? 65535 : 1e7; }

// Planes of noise on the given chroma grid.
OwnedImage random_planes(std::mt19937& random, int width, int height, bool alpha, std::array<Grid, 4> grid) {
  OwnedImage image(ImageInfo{width, height, {Model::ycbcr_planar, Depth::u8, alpha}, grid, 0});
  REQUIRE(valid(image.info()));
  std::uniform_int_distribution<int> level(0, 255);
  for (int p = 0; p < image.info().format.planes(); ++p)
    for (int y = 0; y < image.view().plane(p).height; ++y)
      for (int x = 0; x < image.view().plane(p).width; ++x)
        image.view().plane(p).row<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(level(random));
  return image;
}

}  // namespace

TEST_CASE("every interleaved format converts to every other", "[convert]") {
  std::mt19937 random(test_seed());
  for (const PixelFormat& from : interleaved_formats())
    for (const PixelFormat& to : interleaved_formats()) {
      INFO("seed " << test_seed() << ": " << to_string(from) << " to " << to_string(to));
      const OwnedImage in(random_image(random, 41, 23, from));
      const NaiveImage out = converted(in, to).naive(), expected = naive_convert(in.naive(), to);
      REQUIRE(out.format == to);
      // A rounding at the source's depth (luma, flattening over a rounded background), then one at the target's.
      const double tolerance = (2.1 / levels(from.depth) + 0.51 / levels(to.depth)) * out.max_value();
      for (std::size_t i = 0; i < out.samples.size(); ++i)
        if (std::abs(out.samples[i] - expected.samples[i]) > tolerance)
          FAIL("sample " << i << ": " << out.samples[i] << " instead of " << expected.samples[i]);
    }
}

TEST_CASE("luma is that of cv::cvtColor", "[convert]") {
  std::mt19937 random(test_seed());
  for (const Depth depth : {Depth::u8, Depth::u16})
    for (int round = 0; round < 5; ++round) {
      const OwnedImage in(random_image(random, 301, 97, {Model::bgr, depth, false}));
      cv::Mat expected;
      cv::cvtColor(in.view().mat(), expected, cv::COLOR_BGR2GRAY);
      REQUIRE(cv::norm(converted(in, {Model::gray, depth, false}).view().mat(), expected, cv::NORM_INF) == 0);
    }
}

TEST_CASE("8 bit survives 16 bit and float", "[convert]") {
  NaiveImage ramp = make_naive(256, 1, {Model::gray, Depth::u8, false});
  for (int x = 0; x < 256; ++x) ramp.at(x, 0, 0) = x;
  for (const Depth depth : {Depth::u16, Depth::f32}) {
    const OwnedImage there = converted(OwnedImage(ramp), {Model::gray, depth, false});
    CHECK(there.naive().at(255, 0, 0) == there.naive().max_value());
    CHECK(converted(there, ramp.format).naive().samples == ramp.samples);
  }
}

TEST_CASE("float outside 0..1 and not-a-number become the ends of the range", "[convert]") {
  OwnedImage in(ImageInfo{4, 1, {Model::gray, Depth::f32, false}, {}, 0});
  const float samples[4] = {-3.0F, 2.0F, NAN, INFINITY};
  std::copy_n(samples, 4, in.view().plane().row<float>(0));
  CHECK(converted(in, {Model::gray, Depth::u8, false}).naive().samples == std::vector<double>{0, 255, 0, 255});
  CHECK(converted(in, {Model::gray, Depth::u16, false}).naive().samples == std::vector<double>{0, 65535, 0, 65535});
}

TEST_CASE("planes of any chroma grid become colour", "[convert]") {
  std::mt19937 random(test_seed());
  const std::vector<std::pair<int, int>> subsamplings{{0, 0}, {1, 0}, {1, 1}, {0, 1}, {2, 0}};
  for (const auto& [log2_x, log2_y] : subsamplings)
    for (const bool alpha : {false, true})
      for (std::uint8_t scale = 0; scale < 3; ++scale) {  // decoded smaller
        const Grid luma{scale, scale, 0, 0};
        const Grid chroma{static_cast<std::uint8_t>(log2_x + scale), static_cast<std::uint8_t>(log2_y + scale), 0, 0};
        const OwnedImage in = random_planes(random, 45, 27, alpha, {luma, chroma, chroma, luma});
        const OwnedImage out = converted(in, {Model::bgr, Depth::u8, alpha});
        REQUIRE(out.info().grid == std::array<Grid, 4>{luma, Grid{}, Grid{}, Grid{}});
        const auto plane = out.view().plane();
        for (int y = 0; y < plane.height; ++y)
          for (int x = 0; x < plane.width; ++x) {
            const auto sample = [&](int p, int sx, int sy) {
              return static_cast<double>(in.view().plane(p).row<std::uint8_t>(sy)[sx]);
            };
            const double l = sample(0, x, y), cb = sample(1, x >> log2_x, y >> log2_y) - 128;
            const double cr = sample(2, x >> log2_x, y >> log2_y) - 128;
            const double bgr[3] = {l + 1.772 * cb, l - 0.344136 * cb - 0.714136 * cr, l + 1.402 * cr};
            const int channels = out.info().format.channels();
            const auto* pixel = plane.row<std::uint8_t>(y) + x * channels;
            for (int c = 0; c < 3; ++c) REQUIRE(std::abs(std::clamp(bgr[c], 0.0, 255.0) - pixel[c]) < 0.51);
            if (alpha) REQUIRE(pixel[3] == sample(3, x, y));
          }
      }
}

TEST_CASE("grids with a phase convert to the same bytes under any tiling", "[convert]") {
  std::mt19937 random(test_seed());
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  const auto random_grid = [&] {
    const int x = pick(0, 2), y = pick(0, 2);
    return Grid{static_cast<std::uint8_t>(x), static_cast<std::uint8_t>(y),
                static_cast<std::int8_t>(pick(1 - (1 << x), 0)), static_cast<std::int8_t>(pick(1 - (1 << y), 0))};
  };
  for (int round = 0; round < 300; ++round) {
    const Grid luma = random_grid(), chroma = random_grid();
    const OwnedImage in = random_planes(random, pick(1, 45), pick(1, 27), false, {luma, chroma, chroma, Grid{}});
    const auto operation = convert_format(in.info(), {Model::bgr, Depth::u8, false}, kBackground);
    const ImageInfo info = operation->output();
    OwnedImage whole(info);
    Scratch scratch;
    operation->apply(in.view(), whole.view(), scratch);
    const int x0 = pick(0, info.width - 1), y0 = pick(0, info.height - 1);
    const Region region{x0, y0, pick(x0 + 1, info.width), pick(y0 + 1, info.height)};
    const MutableView tile = scratch.take_view(info, region);
    operation->apply(sub_view(in.info(), in.view(), operation->required_input(region)), tile, scratch);
    const MutableView expected = sub_view(info, whole.view(), region);
    INFO("seed " << test_seed() << " round " << round);
    for (int y = 0; y < tile.plane().height; ++y)
      REQUIRE(std::equal(tile.plane().row<std::uint8_t>(y), tile.plane().row<std::uint8_t>(y) + tile.plane().width * 3,
                         expected.plane().row<std::uint8_t>(y)));
  }
}

TEST_CASE("gray of planes is the luma plane, and other depths take two steps", "[convert]") {
  std::mt19937 random(test_seed());
  const Grid half{1, 1, 0, 0};
  const OwnedImage in = random_planes(random, 31, 17, true, {Grid{}, half, half, Grid{}});
  const NaiveImage gray = converted(in, {Model::gray, Depth::u16, true}).naive();
  const NaiveImage flat = converted(in, {Model::gray, Depth::u8, false}).naive();
  const double background = kBackground.gray() * 255;
  for (int y = 0; y < 17; ++y)
    for (int x = 0; x < 31; ++x) {
      const double l = in.view().plane(0).row<std::uint8_t>(y)[x], a = in.view().plane(3).row<std::uint8_t>(y)[x];
      REQUIRE(gray.at(x, y, 0) == l * 257);
      REQUIRE(gray.at(x, y, 1) == a * 257);
      REQUIRE(std::abs(flat.at(x, y, 0) - (l * a + background * (255 - a)) / 255) < 1.6);
    }
}

TEST_CASE("nothing converts to planes", "[convert]") {
  const ImageInfo info{4, 4, {Model::bgr, Depth::u8, false}, {}, 0};
  CHECK_THROWS_WITH(convert_format(info, {Model::ycbcr_planar, Depth::u8, false}, kBackground),
                    "pixels cannot be converted from bgr u8 to ycbcr-planar u8: only a decoder delivers planes");
}
