// Geometry on planes: chroma on the grid that is asked for, borders in YCbCr, and stages that are done before the turn
// to upright.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "stages/convert.h"
#include "stages/geometry/pad.h"
#include "stages/orientation.h"
#include "tests/stages/geometry/reference.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

constexpr std::pair<int, int> kSamplings[]{{0, 0}, {1, 0}, {1, 1}, {0, 1}, {2, 0}};

OwnedImage turned(const OwnedImage& image, int orientation) {
  OwnedImage out = image;
  for (const auto& operation : orientation_operations(image.info(), orientation)) out = run_operation(*operation, out);
  return out;
}

}  // namespace

TEST_CASE("a resample puts chroma on any grid that is asked for, within 0.6 levels", "[planes]") {
  std::mt19937 random(test_seed());
  for (const auto& [cx, cy] : kSamplings)
    for (const Grid wanted : {Grid{}, Grid{1, 0}, Grid{1, 1}, Grid{1, 1, -1, 0}, Grid{1, 1, 0, -1}, Grid{2, 0, -3, 0}})
      for (const int scale : {0, 1}) {
        INFO(fmt::format("seed {}: chroma {},{} scale {} to {},{} phase {},{}", test_seed(), cx, cy, scale,
                         wanted.log2_x, wanted.log2_y, wanted.phase_x, wanted.phase_y));
        const OwnedImage image = noise_image(planar_info(213, 131, scale, cx, cy), random);
        const ResampleTarget target{61, 37, {0, 0, 61, 37}, wanted};
        for (const Filter filter : {Filter::nearest, Filter::lanczos3}) {
          const auto operation = resample(image.info(), target, filter);
          const OwnedImage out = run_operation(*operation, image);
          CHECK(out.info().grid[0] == Grid{});
          CHECK(out.info().grid[1] == wanted);
          CHECK(out.info().grid[2] == wanted);
          for (int p = 0; p < 3 && filter == Filter::lanczos3; ++p)
            CHECK(worst_difference(reference_resample(image.info(), reference_plane(image.info(), image.view(), p), p,
                                                      target, filter),
                                   reference_plane(out.info(), out.view(), p)) <= 0.6);
          check_tilings(*operation, image, random);
        }
      }
}

TEST_CASE("only the chroma changes when only its grid does", "[planes]") {
  std::mt19937 random(test_seed());
  const OwnedImage image = noise_image(planar_info(83, 41, 0, 0, 0), random);
  const auto operation = resample(image.info(), {83, 41, {0, 0, 83, 41}, Grid{1, 1}}, Filter::catmull_rom);
  const OwnedImage out = run_operation(*operation, image);
  CHECK(worst_difference(reference_plane(image.info(), image.view(), 0), reference_plane(out.info(), out.view(), 0)) ==
        0);
  CHECK(out.view().plane(1).width == 42);
  check_tilings(*operation, image, random);
}

TEST_CASE("resize and crop before the turn make what the turn before them makes", "[planes]") {
  std::mt19937 random(test_seed());
  struct Case {
    std::string op;
    std::vector<Values::Pair> parameters;
  };
  const std::vector<Case> cases{
      {"crop", {{"", "50x40+13+7"}}},
      {"crop", {{"", "41x33"}, {"gravity", "southeast"}}},
      {"resize", {{"", "47x47"}}},
      {"resize", {{"", "30x44!"}}},
      {"resize", {{"", "40x40"}, {"fit", "cover"}, {"gravity", "northwest"}}},
      {"resize", {{"", "51x45"}, {"fit", "pad"}, {"gravity", "east"}, {"background", "#c02060"}}}};
  for (const Case& test : cases)
    for (int orientation = 2; orientation <= 8; ++orientation)
      for (const auto& [cx, cy] : kSamplings) {
        INFO(fmt::format("seed {}: {} {} orientation {} chroma {},{}", test_seed(), test.op, test.parameters[0].second,
                         orientation, cx, cy));
        const auto stage = make_stage(test.op, test.parameters);
        const OwnedImage stored = noise_image(planar_info(133, 78, 1, cx, cy), random);
        const OwnedImage upright = turned(stored, orientation);
        REQUIRE(stage->goes_before_turns());
        BindContext context;
        if (test.op == "resize") context.chroma = Grid{1, 1};
        const OwnedImage expected = run_operation(*stage->bind(upright.info(), context), upright);
        context.orientation = orientation;
        const auto before = stage->bind(stored.info(), context);
        const OwnedImage actual = turned(run_operation(*before, stored), orientation);
        REQUIRE(actual.info() == expected.info());
        // Rows and columns are filtered in the other order: a rounding lies between them.
        for (int p = 0; p < 3; ++p)
          REQUIRE(worst_difference(reference_plane(expected.info(), expected.view(), p),
                                   reference_plane(actual.info(), actual.view(), p)) <= (test.op == "crop" ? 0 : 1));
        check_tilings(*before, stored, random);
      }
}

TEST_CASE("pad keeps every sample of the planes and fills the rest with the colour in YCbCr", "[planes]") {
  std::mt19937 random(test_seed());
  for (const auto& [cx, cy] : kSamplings)
    for (const auto& [left, top] : {std::pair{0, 0}, {4, 2}, {3, 5}, {1, 0}}) {
      INFO(fmt::format("seed {}: chroma {},{} at {},{}", test_seed(), cx, cy, left, top));
      const OwnedImage image = noise_image(planar_info(33, 21, 0, cx, cy), random);
      const auto operation = pad_operation(image.info(), left, top, 50, 40, parse_color("#ff0000"));
      const OwnedImage out = run_operation(*operation, image);
      check_tilings(*operation, image, random);
      const double red[]{76, 85, 255};  // JFIF: 0.299 * 255, 128 - 0.1687 * 255, 128 + 0.5 * 255 clipped
      for (int p = 0; p < 3; ++p) {
        const Grid &a = image.info().grid[static_cast<std::size_t>(p)],
                   &b = out.info().grid[static_cast<std::size_t>(p)];
        CHECK(a.log2_x == b.log2_x);
        const ReferencePlane from = reference_plane(image.info(), image.view(), p),
                             to = reference_plane(out.info(), out.view(), p);
        for (int y = 0; y < to.height; ++y)
          for (int x = 0; x < to.width; ++x) {
            // The pixel at which the sample begins, seen from the image.
            const int px = (x << b.log2_x) + b.phase_x - left, py = (y << b.log2_y) + b.phase_y - top;
            REQUIRE(px % (1 << a.log2_x) == 0);
            const int sx = px >> a.log2_x, sy = py >> a.log2_y;
            const bool inside = sx >= 0 && sy >= 0 && sx < from.width && sy < from.height;
            REQUIRE(to.at(x, y, 0) == (inside ? from.at(sx, sy, 0) : red[p]));
          }
      }
    }
}

TEST_CASE("a border in planes shows its colour, and one that is not opaque makes them colours", "[planes]") {
  const PixelFormat planes{Model::ycbcr_planar, Depth::u8, false};
  for (const char* name : {"#ffffff", "#000000", "#c02060", "#3fb7e1", "#808080"}) {
    ImageInfo info = planar_info(2, 2, 0, 1, 1);
    const OwnedImage padded = run_operation(*pad_operation(info, 0, 0, 16, 16, parse_color(name)), OwnedImage(info));
    const auto convert = convert_format(padded.info(), {Model::bgr, Depth::u8, false}, {});
    const NaiveImage shown = run_operation(*convert, padded).naive();
    const Color color = parse_color(name);
    CHECK(std::abs(shown.at(9, 9, 0) - color.blue * 255) <= 2);
    CHECK(std::abs(shown.at(9, 9, 1) - color.green * 255) <= 2);
    CHECK(std::abs(shown.at(9, 9, 2) - color.red * 255) <= 2);
  }
  CHECK(make_stage("pad", {{"left", "3"}})->working_format(planes) == planes);
  CHECK(make_stage("resize", {{"", "9x9"}, {"fit", "pad"}})->working_format(planes) == planes);
  CHECK(make_stage("pad", {{"left", "3"}, {"background", "#ffffff80"}})->working_format(planes) ==
        PixelFormat{Model::bgr, Depth::u8, true});
  CHECK(make_stage("rotate", {{"", "3"}})->working_format(planes) == PixelFormat{Model::bgr, Depth::u8, false});
}
