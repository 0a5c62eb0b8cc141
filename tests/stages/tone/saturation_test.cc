#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/stages/naive.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

std::function<NaiveImage(const NaiveImage&)> naive_saturation(double factor) {
  return [factor](const NaiveImage& in) {
    NaiveImage out = in;
    if (in.format.model == Model::gray) return out;
    const bool real = in.format.depth == Depth::f32;
    for (int y = 0; y < in.height; ++y)
      for (int x = 0; x < in.width; ++x) {
        double gray = 0.114 * in.at(x, y, 0) + 0.587 * in.at(x, y, 1) + 0.299 * in.at(x, y, 2);
        if (!real)
          gray = std::floor((3735 * in.at(x, y, 0) + 19235 * in.at(x, y, 1) + 9798 * in.at(x, y, 2)) / 32768 + 0.5);
        for (int c = 0; c < 3; ++c) {
          const double v = gray + factor * (in.at(x, y, c) - gray);
          out.at(x, y, c) = real ? v : std::clamp(v, 0.0, in.max_value());
        }
      }
    return out;
  };
}

}  // namespace

TEST_CASE("saturation scales the distance from the luma", "[tone]") {
  for (const auto& [text, factor] : {std::pair{"1.5", 1.5}, {"0.25", 0.25}, {"0", 0.0}, {"8", 8.0}}) {
    check_stage({"saturation",
                 {{"", text}},
                 naive_saturation(factor),
                 0.500001,
                 {Depth::u8, Depth::u16},
                 {{1, 1}, {3, 8}, {211, 90}}});
    check_stage({"saturation", {{"", text}}, naive_saturation(factor), 1e-3, {Depth::f32}, {{61, 33}}});
  }
}

TEST_CASE("saturation holds the largest 16-bit distance", "[tone]") {
  NaiveImage in = make_naive(2, 1, {Model::bgr, Depth::u16, false});
  in.samples = {65535, 0, 0, 0, 65535, 65535};
  const NaiveImage out = run_stage(*make_stage("saturation", {{"factor", "8"}}), OwnedImage(in)).naive();
  CHECK(out.samples == std::vector<double>{65535, 0, 0, 0, 65535, 65535});
}

TEST_CASE("saturation of gray is fused away", "[tone]") {
  const ImageInfo gray{4, 4, {Model::gray, Depth::u8, true}, {}, 0};
  CHECK(make_stage("saturation", {{"", "2"}})->bind(gray, {})->table().has_value());
}
