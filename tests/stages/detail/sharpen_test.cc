#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/stages/detail/naive_blur.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

std::function<NaiveImage(const NaiveImage&)> naive_sharpen(double amount, double sigma_px, double threshold) {
  return [=](const NaiveImage& in) {
    const NaiveImage blurred = naive_gaussian(in, sigma_px);
    NaiveImage out = in;
    for (int y = 0; y < in.height; ++y)
      for (int x = 0; x < in.width; ++x) {
        if (in.format.alpha && in.at(x, y, in.channels() - 1) == 0) continue;
        for (int c = 0; c < in.format.color_channels(); ++c) {
          const double difference = in.at(x, y, c) - blurred.at(x, y, c);
          if (std::abs(difference) < threshold * in.max_value()) continue;
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
