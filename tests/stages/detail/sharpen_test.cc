#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/stages/detail/naive_blur.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

// BT.601 luma beside the alpha; integers by the weights of cv::cvtColor in 1/32768, rounded, as they are stored.
NaiveImage naive_luma(const NaiveImage& in) {
  NaiveImage out = make_naive(in.width, in.height, {Model::gray, in.format.depth, in.format.alpha});
  for (int y = 0; y < in.height; ++y)
    for (int x = 0; x < in.width; ++x) {
      if (in.format.model == Model::gray)
        out.at(x, y, 0) = in.at(x, y, 0);
      else if (in.format.depth == Depth::f32)
        out.at(x, y, 0) = 0.114 * in.at(x, y, 0) + 0.587 * in.at(x, y, 1) + 0.299 * in.at(x, y, 2);
      else
        out.at(x, y, 0) =
            std::floor((3735 * in.at(x, y, 0) + 19235 * in.at(x, y, 1) + 9798 * in.at(x, y, 2)) / 32768 + 0.5);
      if (in.format.alpha) out.at(x, y, 1) = in.at(x, y, in.channels() - 1);
    }
  return out;
}

std::function<NaiveImage(const NaiveImage&)> naive_sharpen(double amount, double sigma_px, double threshold) {
  return [=](const NaiveImage& in) {
    const NaiveImage luma = naive_luma(in), blurred = naive_gaussian(luma, sigma_px);
    NaiveImage out = in;
    for (int y = 0; y < in.height; ++y)
      for (int x = 0; x < in.width; ++x) {
        if (in.format.alpha && in.at(x, y, in.channels() - 1) == 0) continue;
        const double difference = luma.at(x, y, 0) - blurred.at(x, y, 0);
        if (std::abs(difference) < threshold * in.max_value()) continue;
        for (int c = 0; c < in.format.color_channels(); ++c) {
          const double level = in.at(x, y, c) + amount * difference;
          out.at(x, y, c) = in.format.depth == Depth::f32 ? level : std::clamp(level, 0.0, in.max_value());
        }
      }
    return out;
  };
}

}  // namespace

TEST_CASE("sharpen is an unsharp mask under any tiling", "[detail]") {
  check_stage({"sharpen",
               {{"amount", "0.5"}, {"sigma", "0.7"}},
               naive_sharpen(0.5, 0.7, 0),
               0.56,
               {Depth::u8, Depth::u16},
               {{1, 1}, {3, 8}, {533, 401}}});
  check_stage({"sharpen",
               {{"", "4"}, {"sigma", "3"}},
               naive_sharpen(4, 3, 0),
               0.9,
               {Depth::u8, Depth::u16},
               {{1, 1}, {3, 8}, {140, 90}}});
  check_stage({"sharpen", {{"", "1.5"}}, naive_sharpen(1.5, 1, 0), 0.001, {Depth::f32}, {{1, 1}, {3, 8}, {140, 90}}});
}

TEST_CASE("sharpen leaves small differences alone", "[detail]") {
  // At the threshold itself a rounding decides whether amount * threshold is added: that is the tolerance.
  check_stage({"sharpen",
               {{"threshold", "2"}},
               naive_sharpen(0.5, 1, 0.02),
               0.56 + 0.5 * 0.02 * 255,
               {Depth::u8},
               {{1, 1}, {3, 8}, {140, 90}}});
  NaiveImage in = make_naive(20, 20, {Model::gray, Depth::u8, false});
  for (int y = 0; y < 20; ++y)
    for (int x = 0; x < 20; ++x) in.at(x, y, 0) = (x < 10 ? 40 : 200) + (x + y) % 2 * 4;  // a fine pattern, and a step
  const NaiveImage out = run_stage(*make_stage("sharpen", {{"threshold", "3"}}), OwnedImage(in)).naive();
  CHECK(out.at(3, 10, 0) == in.at(3, 10, 0));
  CHECK(out.at(9, 10, 0) < in.at(9, 10, 0));
  CHECK(out.at(10, 10, 0) > in.at(10, 10, 0));
}

TEST_CASE("sharpen with amount 0 changes nothing", "[detail]") {
  std::mt19937 random(test_seed());
  for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
    for (const bool alpha : {false, true}) {
      const OwnedImage in(random_image(random, 40, 30, {Model::bgr, depth, alpha}));
      CHECK(run_stage(*make_stage("sharpen", {{"", "0"}}), in).naive().samples == in.naive().samples);
    }
}

TEST_CASE("sharpen on planes is sharpen on their luma, and the chroma stays as it is", "[detail]") {
  std::mt19937 random(test_seed());
  const auto stage = make_stage("sharpen", {{"amount", "1.2"}, {"sigma", "1.5"}, {"threshold", "1"}});
  for (const Grid chroma : {Grid{}, Grid{1, 0}, Grid{1, 1}, Grid{2, 0, -1, 0}, Grid{1, 1, 0, -1}}) {
    ImageInfo info{75, 53, {Model::ycbcr_planar, Depth::u8, false}, {Grid{}, chroma, chroma, Grid{}}, 0};
    REQUIRE(stage->working_format(info.format) == info.format);
    REQUIRE(stage->accepts_grids(info));
    OwnedImage planes(info);
    const NaiveImage gray = random_image(random, 75, 53, {Model::gray, Depth::u8, false});
    for (int p = 0; p < 3; ++p)
      for (int y = 0; y < planes.view().plane(p).height; ++y)
        for (int x = 0; x < planes.view().plane(p).width; ++x)
          planes.view().plane(p).row<std::uint8_t>(y)[x] =
              static_cast<std::uint8_t>(p == 0 ? gray.at(x, y, 0) : (x * 7 + y * 13 + p) % 256);
    const OwnedImage out = run_stage(*stage, planes);
    const NaiveImage luma = run_stage(*stage, OwnedImage(gray)).naive();
    REQUIRE(out.info() == info);
    for (int p = 0; p < 3; ++p)
      for (int y = 0; y < out.view().plane(p).height; ++y)
        for (int x = 0; x < out.view().plane(p).width; ++x)
          REQUIRE(out.view().plane(p).row<std::uint8_t>(y)[x] ==
                  (p == 0 ? luma.at(x, y, 0) : planes.view().plane(p).row<std::uint8_t>(y)[x]));
  }
  ImageInfo coarse{75, 53, {Model::ycbcr_planar, Depth::u8, false}, {Grid{1, 1}, Grid{2, 2}, Grid{2, 2}, Grid{}}, 0};
  CHECK_FALSE(stage->accepts_grids(coarse));
}
