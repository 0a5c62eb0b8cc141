#include "stages/geometry/pad.h"

#include <catch2/catch.hpp>

#include "tests/stages/geometry/reference.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

// Border colour 0x204060 with alpha 1 or 0x80/255, in the depth's levels.
StageCase pad_case(std::vector<Values::Pair> parameters, std::function<std::array<int, 4>(int, int)> sides,
                   double alpha) {
  StageCase test;
  test.op = "pad";
  test.parameters = std::move(parameters);
  test.naive = [=](const NaiveImage& in) {
    const auto [left, right, top, bottom] = sides(in.width, in.height);
    NaiveImage out = make_naive(in.width + left + right, in.height + top + bottom, in.format);
    const double border[]{0x60 / 255.0, 0x40 / 255.0, 0x20 / 255.0};
    for (int y = 0; y < out.height; ++y)
      for (int x = 0; x < out.width; ++x)
        for (int c = 0; c < in.channels(); ++c) {
          const int from_x = x - left, from_y = y - top;
          const bool inside = from_x >= 0 && from_y >= 0 && from_x < in.width && from_y < in.height;
          const double color = in.format.alpha && c == in.channels() - 1 ? alpha : border[c];
          out.at(x, y, c) = inside ? in.at(from_x, from_y, c) : std::round(color * in.max_value());
        }
    return out;
  };
  return test;
}

}  // namespace

TEST_CASE("pad adds its sides around the image", "[pad]") {
  const std::vector<Values::Pair> sides{{"left", "3"}, {"right", "140"}, {"top", "5"}, {"bottom", "1"}};
  auto opaque = sides, glass = sides;
  opaque.emplace_back("background", "#204060");
  glass.emplace_back("background", "#20406080");
  check_stage(pad_case(
      opaque,
      [](int, int) {
        return std::array{3, 140, 5, 1};
      },
      1));
  check_stage(pad_case(
      glass,
      [](int, int) {
        return std::array{3, 140, 5, 1};
      },
      0x80 / 255.0));
}

TEST_CASE("pad fills up to a size and never cuts", "[pad]") {
  const auto rest = [](int side, int wanted) { return std::max(0, wanted - side); };
  check_stage(pad_case(
      {{"", "200x450"}, {"background", "#204060"}},
      [=](int w, int h) {
        const int x = rest(w, 200), y = rest(h, 450);
        return std::array{x / 2, x - x / 2, y / 2, y - y / 2};
      },
      1));
  check_stage(pad_case(
      {{"", "x450"}, {"gravity", "southeast"}, {"right", "2"}, {"background", "#204060"}},
      [=](int, int h) {
        return std::array{0, 2, rest(h, 450), 0};
      },
      1));
}

TEST_CASE("pad gives the image what its background needs", "[pad]") {
  const auto format = [](const char* background, PixelFormat in) {
    return make_stage("pad", {{"left", "1"}, {"background", background}})->working_format(in);
  };
  const PixelFormat gray{Model::gray, Depth::u16, false}, bgr{Model::bgr, Depth::u8, false};
  CHECK(format("#777777", gray) == gray);
  CHECK(format("red", gray) == PixelFormat{Model::bgr, Depth::u16, false});
  CHECK(format("transparent", gray) == PixelFormat{Model::gray, Depth::u16, true});
  CHECK(format("white", bgr) == bgr);
  CHECK(format("#ffffff80", bgr) == PixelFormat{Model::bgr, Depth::u8, true});
  CHECK(format("#ffffff80", {Model::ycbcr_planar, Depth::u8, false}) == PixelFormat{Model::bgr, Depth::u8, true});
}

TEST_CASE("a border alone needs no particular input and floats keep their range", "[pad]") {
  std::mt19937 random(test_seed());
  const OwnedImage image = noise_image(image_info(20, 10, {Model::bgr, Depth::f32, true}), random);
  const auto operation = pad_operation(image.info(), 30, 40, 100, 90, parse_color("#ff000080"));
  CHECK(!operation->required_input({0, 0, 10, 10}).empty());
  check_tilings(*operation, image, random);
  const OwnedImage out = run_operation(*operation, image);
  CHECK(out.naive().at(0, 0, 2) == 1.0);
  CHECK(out.naive().at(0, 0, 3) == Approx(128 / 255.0));
}
