#include "stages/image.h"

#include <catch2/catch.hpp>

#include "stages/frame_layout.h"
#include "tests/stages/naive.h"

using namespace tessera::stages;
using namespace tessera::tests;

TEST_CASE("regions meet, join and grow", "[image]") {
  CHECK(intersect({0, 0, 10, 10}, {5, 6, 20, 20}) == Region{5, 6, 10, 10});
  CHECK(intersect({0, 0, 10, 10}, {10, 0, 20, 10}).empty());
  CHECK(intersect({0, 0, 10, 10}, {30, 30, 40, 40}).empty());
  CHECK(unite({0, 0, 2, 2}, {5, 5, 6, 7}) == Region{0, 0, 6, 7});
  CHECK(unite({3, 3, 3, 9}, {5, 5, 6, 7}) == Region{5, 5, 6, 7});
  CHECK(grow({5, 5, 6, 7}, 2, 3) == Region{3, 2, 8, 10});
}

TEST_CASE("samples are those that touch a region", "[image]") {
  std::mt19937 random(test_seed());
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (int round = 0; round < 500; ++round) {
    ImageInfo info{pick(1, 60), pick(1, 60), {Model::gray, Depth::u8, false}, {}, 0};
    Grid& g = info.grid[0];
    g.log2_x = static_cast<std::uint8_t>(pick(0, 3)), g.log2_y = static_cast<std::uint8_t>(pick(0, 3));
    g.phase_x = static_cast<std::int8_t>(pick(1 - (1 << g.log2_x), 0));
    g.phase_y = static_cast<std::int8_t>(pick(1 - (1 << g.log2_y), 0));
    REQUIRE(valid(info));
    const int x0 = pick(0, info.width - 1), x1 = pick(x0 + 1, info.width);
    // The most obvious way: ask each pixel which sample covers it.
    int first = 1 << 30, last = -1;
    for (int x = x0; x < x1; ++x)
      for (int i = 0; i < 100; ++i)
        if (x >= (i << g.log2_x) + g.phase_x && x < ((i + 1) << g.log2_x) + g.phase_x)
          first = std::min(first, i), last = std::max(last, i);
    const Region s = samples(info, 0, {x0, 0, x1, info.height});
    REQUIRE(s.x0 == first);
    REQUIRE(s.x1 == last + 1);
    REQUIRE(samples(info, 0, {x0, 3, x0, 3}).empty());
  }
}

TEST_CASE("a sub-view shows the same samples", "[image]") {
  std::mt19937 random(test_seed());
  ImageInfo info{61, 47, {Model::ycbcr_planar, Depth::u8, false}, {}, 0};
  info.grid = {Grid{}, Grid{1, 1, 0, 0}, Grid{1, 1, 0, 0}, Grid{}};
  OwnedImage image(info);
  std::uniform_int_distribution<int> level(0, 255);
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < image.view().plane(p).height; ++y)
      for (int x = 0; x < image.view().plane(p).width; ++x)
        image.view().plane(p).row<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(level(random));
  CHECK(image.view().plane(1).width == 31);
  CHECK(image.view().plane(1).height == 24);
  const Region region{7, 11, 60, 47};
  const View part = sub_view(info, View(image.view()), region);
  Scratch scratch;
  const MutableView copy = scratch.take_view(info, region);
  copy_pixels(info, image.view(), copy);
  for (int p = 0; p < 3; ++p) {
    const Region s = samples(info, p, region);
    REQUIRE(part.plane(p).width == s.width());
    for (int y = 0; y < s.height(); ++y)
      for (int x = 0; x < s.width(); ++x) {
        const auto expected = image.view().plane(p).row<std::uint8_t>(s.y0 + y)[s.x0 + x];
        REQUIRE(part.plane(p).row<std::uint8_t>(y)[x] == expected);
        REQUIRE(copy.plane(p).row<std::uint8_t>(y)[x] == expected);
      }
  }
}

TEST_CASE("an image that came over the wire is checked", "[image]") {
  const ImageInfo good{10, 10, {Model::bgr, Depth::u8, false}, {}, 0};
  CHECK(valid(good));
  const auto broken = [&](auto change) {
    ImageInfo info = good;
    change(info);
    return !valid(info);
  };
  CHECK(broken([](ImageInfo& i) { i.width = 0; }));
  CHECK(broken([](ImageInfo& i) { i.height = kMaxSide + 1; }));
  CHECK(broken([](ImageInfo& i) { i.format.model = static_cast<Model>(3); }));
  CHECK(broken([](ImageInfo& i) { i.format.depth = static_cast<Depth>(7); }));
  CHECK(broken([](ImageInfo& i) { i.grid[0].log2_x = 6; }));
  CHECK(broken([](ImageInfo& i) { i.grid[0].phase_x = -1; }));
  CHECK(broken([](ImageInfo& i) { i.grid[2].phase_y = 1; }));
}

TEST_CASE("formats are named as people say them", "[image]") {
  CHECK(to_string({Model::gray, Depth::u16, true}) == "gray u16 alpha");
  CHECK(to_string({Model::ycbcr_planar, Depth::u8, false}) == "ycbcr-planar u8");
  CHECK(to_string({Model::bgr, Depth::f32, false}) == "bgr f32");
}
