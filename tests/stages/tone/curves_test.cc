#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "stages/convert.h"
#include "tests/stages/naive.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

// The curve on every colour sample; alpha stays.
std::function<NaiveImage(const NaiveImage&)> naive_curve(std::function<double(double)> curve) {
  return [curve](const NaiveImage& in) {
    NaiveImage out = in;
    const double max = in.max_value();
    for (int y = 0; y < in.height; ++y)
      for (int x = 0; x < in.width; ++x)
        for (int c = 0; c < in.format.color_channels(); ++c) {
          const double v = curve(in.at(x, y, c) / max);
          out.at(x, y, c) = in.format.depth == Depth::f32 ? v : std::clamp(v, 0.0, 1.0) * max;
        }
    return out;
  };
}

void check_curve(const std::string& op, const std::vector<Values::Pair>& parameters,
                 std::function<double(double)> curve) {
  check_stage({op, parameters, naive_curve(curve), 0.500001, {Depth::u8, Depth::u16}, {{1, 1}, {3, 8}, {533, 101}}});
  check_stage({op, parameters, naive_curve(curve), 1e-4, {Depth::f32}, {{61, 33}}});
}

double level_after(const std::string& op, const std::vector<Values::Pair>& parameters, double level) {
  NaiveImage in = make_naive(1, 1, {Model::gray, Depth::u8, false});
  in.at(0, 0, 0) = level;
  return run_stage(*make_stage(op, parameters), OwnedImage(in)).naive().at(0, 0, 0);
}

}  // namespace

TEST_CASE("brightness is added, contrast turns about the middle", "[tone]") {
  check_curve("brightness-contrast", {{"", "20"}}, [](double v) { return v + 0.2; });
  const double slope = std::tan(std::acos(-1.0) / 4 * 1.3);
  check_curve("brightness-contrast", {{"contrast", "30"}}, [slope](double v) { return (v - 0.5) * slope + 0.5; });
  CHECK(level_after("brightness-contrast", {}, 77) == 77);
  CHECK(level_after("brightness-contrast", {{"contrast", "-100"}}, 10) == 128);
  CHECK(level_after("brightness-contrast", {{"contrast", "100"}}, 127) == 0);
  CHECK(level_after("brightness-contrast", {{"contrast", "100"}}, 128) == 255);
  CHECK(level_after("brightness-contrast", {{"", "100"}}, 0) == 255);
  CHECK(level_after("brightness-contrast", {{"", "-100"}}, 255) == 0);
}

TEST_CASE("gamma above one brightens", "[tone]") {
  check_curve("gamma", {{"value", "2.2"}}, [](double v) { return std::pow(v, 1 / 2.2); });
  CHECK(level_after("gamma", {{"", "2"}}, 64) == 128);
  CHECK(level_after("gamma", {{"", "0.5"}}, 128) == 64);
}

TEST_CASE("levels stretch, bend and lay out", "[tone]") {
  check_curve("levels",
              {{"black", "10"}, {"white", "80"}, {"gamma", "1.4"}, {"output-black", "5"}, {"output-white", "90"}},
              [](double v) {
                const double part = v < 0.1 ? 0 : v > 0.8 ? 1 : (v - 0.1) / 0.7;
                return 0.05 + 0.85 * std::pow(part, 1 / 1.4);
              });
  CHECK(level_after("levels", {{"output-black", "100"}, {"output-white", "0"}}, 3) == 252);
  CHECK_THROWS_WITH(make_stage("levels", {{"black", "60"}, {"white", "40"}}),
                    "levels: white (40 %) must be above black (60 %)");
}

TEST_CASE("invert gives the negative and leaves alpha alone", "[tone]") {
  check_curve("invert", {}, [](double v) { return 1 - v; });
  CHECK(level_after("invert", {}, 0) == 255);
  CHECK(level_after("invert", {}, 100) == 155);
}

TEST_CASE("threshold is white from the limit on, in gray", "[tone]") {
  check_curve("threshold", {{"value", "37"}}, [](double v) { return v >= 0.37 ? 1.0 : 0.0; });
  CHECK(level_after("threshold", {{"", "20"}}, 50) == 0);
  CHECK(level_after("threshold", {{"", "20"}}, 51) == 255);
  CHECK(level_after("threshold", {{"", "0"}}, 0) == 255);
  CHECK(level_after("threshold", {{"", "100"}}, 254) == 0);
  CHECK(level_after("threshold", {{"", "100"}}, 255) == 255);
  const PixelFormat working = make_stage("threshold", {})->working_format({Model::ycbcr_planar, Depth::u8, true});
  CHECK(working == PixelFormat{Model::gray, Depth::u8, true});
}

TEST_CASE("grayscale is the luma, alpha kept", "[tone]") {
  check_curve("grayscale", {}, [](double v) { return v; });
  NaiveImage in = make_naive(1, 1, {Model::bgr, Depth::u8, true});
  in.samples = {200, 100, 50, 77};
  const NaiveImage out = run_stage(*make_stage("grayscale", {}), OwnedImage(in)).naive();
  CHECK(out.format == PixelFormat{Model::gray, Depth::u8, true});
  CHECK(out.samples == std::vector<double>{96, 77});  // 0.114 * 200 + 0.587 * 100 + 0.299 * 50 = 96.45
}

TEST_CASE("a lower contrast on planes shows what it shows on colours, and what may clip works on colours", "[tone]") {
  const PixelFormat planes{Model::ycbcr_planar, Depth::u8, false}, bgr{Model::bgr, Depth::u8, false};
  const auto works = [&](const char* brightness, const char* contrast) {
    return make_stage("brightness-contrast", {{"brightness", brightness}, {"contrast", contrast}})
        ->working_format(planes);
  };
  CHECK(works("0", "0") == planes);
  CHECK(works("0", "-30") == planes);
  CHECK(works("10", "-30") == planes);
  CHECK(works("1", "0") == bgr);
  CHECK(works("0", "1") == bgr);
  CHECK(works("60", "-20") == bgr);

  // Every Y, Cb, Cr that shows a colour, seven apart.
  const auto stage = make_stage("brightness-contrast", {{"brightness", "10"}, {"contrast", "-30"}});
  ImageInfo info{37 * 37, 37, planes, {}, 0};
  OwnedImage image(info);
  for (int y = 0; y < 37; ++y)
    for (int x = 0; x < 37 * 37; ++x) {
      const int sample[]{y * 7, x % 37 * 7, x / 37 * 7};
      for (int p = 0; p < 3; ++p) image.view().plane(p).row<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(sample[p]);
    }
  const auto colours = [&](const OwnedImage& from) {
    OwnedImage out(ImageInfo{info.width, info.height, bgr, {}, 0});
    Scratch scratch;
    convert_format(from.info(), bgr, {})->apply(from.view(), out.view(), scratch);
    return out;
  };
  const NaiveImage before = colours(image).naive();
  const NaiveImage on_planes = colours(run_stage(*stage, image)).naive();
  const NaiveImage on_colours = run_stage(*stage, colours(image)).naive();
  for (int y = 0; y < 37; ++y)
    for (int x = 0; x < 37 * 37; ++x) {
      const auto clipped = [&](double v) { return v <= 0 || v >= 255; };
      if (clipped(before.at(x, y, 0)) || clipped(before.at(x, y, 1)) || clipped(before.at(x, y, 2))) continue;
      // Half a level of rounding in each plane: 0.5 + 1.772 * 0.5 in blue, and one more in the colours.
      for (int c = 0; c < 3; ++c) REQUIRE(std::abs(on_planes.at(x, y, c) - on_colours.at(x, y, c)) <= 2);
    }
}
