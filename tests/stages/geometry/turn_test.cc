#include "stages/geometry/turn.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "stages/orientation.h"
#include "tests/stages/geometry/reference.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

StageCase exact_case(const std::string& op, std::vector<Values::Pair> parameters, bool transpose,
                     std::function<std::pair<int, int>(int x, int y, int w, int h)> source) {
  StageCase test;
  test.op = op;
  test.parameters = std::move(parameters);
  test.naive = [=](const NaiveImage& in) {
    NaiveImage out = make_naive(transpose ? in.height : in.width, transpose ? in.width : in.height, in.format);
    for (int y = 0; y < out.height; ++y)
      for (int x = 0; x < out.width; ++x)
        for (int c = 0; c < in.channels(); ++c) {
          const auto [from_x, from_y] = source(x, y, in.width, in.height);
          out.at(x, y, c) = in.at(from_x, from_y, c);
        }
    return out;
  };
  return test;
}

std::vector<int> oriented(int orientation) {
  OwnedImage image(image_info(3, 2, {Model::gray, Depth::u8, false}));
  for (int i = 0; i < 6; ++i) image.view().plane().row<std::uint8_t>(i / 3)[i % 3] = static_cast<std::uint8_t>(i + 1);
  OwnedImage out = image;
  for (const auto& operation : orientation_operations(image.info(), orientation)) out = run_operation(*operation, out);
  CHECK(out.info() == oriented_info(image.info(), orientation));
  std::vector<int> rows{out.info().width};
  for (const double v : out.naive().samples) rows.push_back(static_cast<int>(v));
  return rows;
}

double centre(int i, int log2, int phase) { return (i << log2) + phase + (1 << log2) / 2.0; }
int sample_at(double position, int log2, int phase) {
  return static_cast<int>(std::floor((position - phase) / (1 << log2)));
}

}  // namespace

TEST_CASE("flip, flop and quarter turns move every pixel to its place", "[turn]") {
  check_stage(exact_case("flip", {}, false, [](int x, int y, int, int h) { return std::pair{x, h - 1 - y}; }));
  check_stage(exact_case("flop", {}, false, [](int x, int y, int w, int) { return std::pair{w - 1 - x, y}; }));
  check_stage(exact_case("rotate", {{"", "90"}}, true, [](int x, int y, int, int h) {
    return std::pair{y, h - 1 - x};
  }));
  check_stage(exact_case("rotate", {{"", "-180"}}, false, [](int x, int y, int w, int h) {
    return std::pair{w - 1 - x, h - 1 - y};
  }));
  check_stage(exact_case("rotate", {{"", "270"}}, true, [](int x, int y, int w, int) {
    return std::pair{w - 1 - y, x};
  }));
  // The other ways to write them.
  const ImageInfo info = image_info(30, 20, {Model::bgr, Depth::u8, false});
  std::mt19937 random(test_seed());
  const OwnedImage image = noise_image(info, random);
  const auto turned = [&](const char* angle) { return run_stage(*make_stage("rotate", {{"", angle}}), image).naive(); };
  CHECK(turned("-90").samples == turned("270").samples);
  CHECK(turned("-270").samples == turned("90").samples);
  CHECK(turned("360").samples == image.naive().samples);
  CHECK(turned("-0").samples == image.naive().samples);
}

TEST_CASE("EXIF orientations 1 to 8 come out upright", "[orientation]") {
  // The stored image is 123 over 456; first number: width.
  CHECK(oriented(1) == std::vector{3, 1, 2, 3, 4, 5, 6});
  CHECK(oriented(2) == std::vector{3, 3, 2, 1, 6, 5, 4});
  CHECK(oriented(3) == std::vector{3, 6, 5, 4, 3, 2, 1});
  CHECK(oriented(4) == std::vector{3, 4, 5, 6, 1, 2, 3});
  CHECK(oriented(5) == std::vector{2, 1, 4, 2, 5, 3, 6});
  CHECK(oriented(6) == std::vector{2, 4, 1, 5, 2, 6, 3});
  CHECK(oriented(7) == std::vector{2, 6, 3, 5, 2, 4, 1});
  CHECK(oriented(8) == std::vector{2, 3, 6, 2, 5, 1, 4});
  for (const int unknown : {0, 9, -1, 255}) {
    CHECK(orientation_operations(image_info(3, 2, {}), unknown).empty());
    CHECK(oriented(unknown) == oriented(1));
  }
}

TEST_CASE("a mirrored coarse grid begins before the image", "[turn]") {
  ImageInfo info = image_info(2725, 2225, {});
  info.grid[0] = {1, 1, 0, 0};
  const ImageInfo flopped = turned_info(info, kFlop);
  CHECK(flopped.grid[0] == Grid{1, 1, -1, 0});
  CHECK(turned_info(flopped, kFlop) == info);
  CHECK(turned_info(info, quarter_turns(1)).grid[0] == Grid{1, 1, -1, 0});
  CHECK(turned_info(info, quarter_turns(3)).grid[0] == Grid{1, 1, 0, -1});
}

TEST_CASE("every turn keeps coarse samples over the pixels that they cover", "[turn]") {
  std::mt19937 random(test_seed());
  for (int orientation = 2; orientation <= 8; ++orientation)
    for (const auto& [cx, cy] : {std::pair{0, 0}, {1, 0}, {1, 1}, {2, 0}})
      for (const int scale : {0, 1, 2}) {
        const OwnedImage image = noise_image(planar_info(133, 78, scale, cx, cy), random);
        const auto operations = orientation_operations(image.info(), orientation);
        REQUIRE(operations.size() == 1);
        const OwnedImage out = run_operation(*operations[0], image);
        check_tilings(*operations[0], image, random);
        for (int p = 0; p < 3; ++p) {
          const auto from = reference_plane(image.info(), image.view(), p),
                     to = reference_plane(out.info(), out.view(), p);
          REQUIRE(from.width * from.height == to.width * to.height);
          const Grid &a = image.info().grid[static_cast<std::size_t>(p)],
                     &b = out.info().grid[static_cast<std::size_t>(p)];
          for (int y = 0; y < from.height; ++y)
            for (int x = 0; x < from.width; ++x) {
              const auto [u, v] =
                  operations[0]->map_point(centre(x, a.log2_x, a.phase_x), centre(y, a.log2_y, a.phase_y));
              const int i = sample_at(u, b.log2_x, b.phase_x), j = sample_at(v, b.log2_y, b.phase_y);
              REQUIRE(centre(i, b.log2_x, b.phase_x) == u);
              REQUIRE(to.at(i, j, 0) == from.at(x, y, 0));
            }
        }
      }
}
