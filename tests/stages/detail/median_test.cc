#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/stages/naive.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

std::function<NaiveImage(const NaiveImage&)> naive_median(int radius) {
  return [radius](const NaiveImage& in) {
    NaiveImage out = in;
    std::vector<double> around;
    for (int y = 0; y < in.height; ++y)
      for (int x = 0; x < in.width; ++x)
        for (int c = 0; c < in.format.color_channels(); ++c) {
          around.clear();
          for (int dy = -radius; dy <= radius; ++dy)
            for (int dx = -radius; dx <= radius; ++dx) around.push_back(in.reflected(x + dx, y + dy, c));
          std::nth_element(around.begin(), around.begin() + static_cast<std::ptrdiff_t>(around.size() / 2),
                           around.end());
          out.at(x, y, c) = around[around.size() / 2];
        }
    return out;
  };
}

}  // namespace

TEST_CASE("a small median is the middle value under any tiling", "[detail]") {
  check_stage({"median", {}, naive_median(1), 0, {Depth::u8, Depth::u16}, {{1, 1}, {3, 8}, {533, 131}}});
  check_stage({"median", {{"radius", "2"}}, naive_median(2), 0, {Depth::u8, Depth::u16}, {{1, 1}, {3, 8}, {120, 97}}});
}

TEST_CASE("a median beyond the sorting networks is the middle value under any tiling", "[detail]") {
  check_stage({"median", {{"", "3"}}, naive_median(3), 0, {Depth::u8, Depth::u16}, {{1, 1}, {3, 8}, {60, 97}}});
  check_stage({"median", {{"", "9"}}, naive_median(9), 0, {Depth::u8, Depth::u16}, {{1, 1}, {3, 8}, {40, 50}}});
}

TEST_CASE("a median takes float samples as 16 bit", "[detail]") {
  const PixelFormat working = make_stage("median", {})->working_format({Model::ycbcr_planar, Depth::f32, true});
  CHECK(working == PixelFormat{Model::bgr, Depth::u16, true});
}
