#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/stages/naive.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

NaiveImage naive_edge(const NaiveImage& in) {
  constexpr int kSobel[3][3] = {{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}};
  NaiveImage out = in;
  for (int y = 0; y < in.height; ++y)
    for (int x = 0; x < in.width; ++x)
      for (int c = 0; c < in.format.color_channels(); ++c) {
        double gx = 0, gy = 0;
        for (int dy = -1; dy <= 1; ++dy)
          for (int dx = -1; dx <= 1; ++dx) {
            gx += kSobel[dy + 1][dx + 1] * in.reflected(x + dx, y + dy, c);
            gy += kSobel[dx + 1][dy + 1] * in.reflected(x + dx, y + dy, c);
          }
        const double magnitude = std::sqrt(gx * gx + gy * gy) / 4;
        out.at(x, y, c) = in.format.depth == Depth::f32 ? magnitude : std::min(magnitude, in.max_value());
      }
  return out;
}

}  // namespace

TEST_CASE("edges of each channel are the rounded Sobel magnitude under any tiling", "[detail]") {
  check_stage({"edge", {{"channels", "each"}}, naive_edge, 0.500001});
  check_stage({"edge", {{"", "each"}}, naive_edge, 0.001, {Depth::f32}, {{1, 1}, {3, 8}, {97, 150}}});
}

TEST_CASE("edges of the luma are gray", "[detail]") {
  check_stage({"edge", {}, naive_edge, 0.500001, {Depth::u8, Depth::u16}, {{1, 1}, {3, 8}, {97, 150}}});
  CHECK(make_stage("edge", {})->working_format({Model::ycbcr_planar, Depth::u8, false}).model == Model::gray);
}

TEST_CASE("a step from black to white is a white edge", "[detail]") {
  NaiveImage in = make_naive(6, 5, {Model::gray, Depth::u8, false});
  for (int y = 0; y < 5; ++y)
    for (int x = 3; x < 6; ++x) in.at(x, y, 0) = 255;
  const NaiveImage out = run_stage(*make_stage("edge", {}), OwnedImage(in)).naive();
  CHECK(out.at(2, 2, 0) == 255);
  CHECK(out.at(3, 2, 0) == 255);
  CHECK(out.at(1, 2, 0) == 0);
}
