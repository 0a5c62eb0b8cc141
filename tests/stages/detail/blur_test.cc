#include <catch2/catch.hpp>

#include "tests/stages/detail/naive_blur.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

const std::vector<Depth> kAllDepths{Depth::u8, Depth::u16, Depth::f32};

OwnedImage filled(int width, int height, PixelFormat format, const std::vector<double>& pixel) {
  NaiveImage image = make_naive(width, height, format);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < image.channels(); ++c) image.at(x, y, c) = pixel[static_cast<std::size_t>(c)];
  return OwnedImage(image);
}

}  // namespace

TEST_CASE("a small gaussian is exact under any tiling and near the real-valued sum", "[detail]") {
  check_stage({"gaussian",
               {{"sigma", "0.8"}},
               [](const NaiveImage& in) { return naive_gaussian(in, 0.8); },
               0.6,
               {Depth::u8, Depth::u16},
               {{1, 1}, {3, 8}, {533, 401}}});
}

TEST_CASE("a gaussian of float samples is exact under any tiling, too", "[detail]") {
  check_stage({"gaussian",
               {{"", "2.5"}},
               [](const NaiveImage& in) { return naive_gaussian(in, 2.5); },
               0.001,
               {Depth::f32},
               {{1, 1}, {3, 8}, {150, 97}}});
}

TEST_CASE("a wide gaussian crosses its column blocks and reflects more than once", "[detail]") {
  check_stage({"gaussian",
               {{"sigma", "11"}},
               [](const NaiveImage& in) { return naive_gaussian(in, 11); },
               0.65,
               {Depth::u8, Depth::u16},
               {{1, 1}, {3, 8}, {2, 70}}});
  check_stage({"gaussian",
               {{"sigma", "1.2"}},
               [](const NaiveImage& in) { return naive_gaussian(in, 1.2); },
               0.6,
               {Depth::u8, Depth::u16},
               {{2200, 9}}});
}

TEST_CASE("the widest gaussian is within a level", "[detail]") {
  check_stage({"gaussian",
               {{"sigma", "64"}},
               [](const NaiveImage& in) { return naive_gaussian(in, 64); },
               0.9,
               {Depth::u8},
               {{1, 1}, {70, 40}}});
}

TEST_CASE("a blur leaves flat pictures as they are", "[detail]") {
  for (const auto& [op, value] : {std::pair{"gaussian", "0.3"}, {"gaussian", "20"}, {"gaussian", "64"}, {"box", "9"}})
    for (const Depth depth : {Depth::u8, Depth::u16})
      for (const bool alpha : {false, true}) {
        const double max = depth == Depth::u8 ? 255 : 65535;
        const OwnedImage in = filled(50, 20, {Model::bgr, depth, alpha}, {max, 1, 0, max});
        CHECK(run_stage(*make_stage(op, {{"", value}}), in).naive().samples == in.naive().samples);
      }
}

TEST_CASE("box is the rounded mean under any tiling", "[detail]") {
  for (const int radius : {1, 3})
    check_stage({"box",
                 {{"radius", std::to_string(radius)}},
                 [radius](const NaiveImage& in) {
                   return naive_blur(in, std::vector<double>(static_cast<std::size_t>(2 * radius + 1), 1.0));
                 },
                 0.5000001,
                 {Depth::u8, Depth::u16},
                 {{1, 1}, {3, 8}, {533, 61}}});
  check_stage({"box",
               {{"", "40"}},
               [](const NaiveImage& in) { return naive_blur(in, std::vector<double>(81, 1.0)); },
               0.5000001,
               {Depth::u8, Depth::u16},
               {{1, 1}, {3, 8}, {101, 150}}});
}

TEST_CASE("box of float samples is the mean under any tiling", "[detail]") {
  check_stage({"box",
               {{"", "2"}},
               [](const NaiveImage& in) { return naive_blur(in, std::vector<double>(5, 1.0)); },
               0.001,
               {Depth::f32},
               {{1, 1}, {3, 8}, {61, 40}}});
}

TEST_CASE("the largest box holds its sums", "[detail]") {
  for (const Depth depth : {Depth::u8, Depth::u16})
    for (const bool alpha : {false, true}) {
      const double max = depth == Depth::u8 ? 255 : 65535;
      const OwnedImage in = filled(7, 5, {Model::gray, depth, alpha}, {max, max});
      CHECK(run_stage(*make_stage("box", {{"", "256"}}), in).naive().samples == in.naive().samples);
    }
}

TEST_CASE("the colour of transparent pixels does not bleed into a blur", "[detail]") {
  for (const auto& [op, value] : {std::pair{"gaussian", "2"}, {"box", "2"}})
    for (const Depth depth : kAllDepths) {
      NaiveImage in = make_naive(12, 9, {Model::bgr, depth, true});
      const double max = in.max_value();
      for (int y = 0; y < in.height; ++y)
        for (int x = 0; x < in.width; ++x) {
          in.at(x, y, 1) = x < 6 ? 0 : max;  // green, but transparent
          in.at(x, y, 2) = x < 6 ? max : 0;
          in.at(x, y, 3) = x < 6 ? max : 0;
        }
      const NaiveImage out = run_stage(*make_stage(op, {{"", value}}), OwnedImage(in)).naive();
      CHECK(out.at(6, 4, 3) > 0);
      CHECK(out.at(6, 4, 3) < max);
      CHECK(out.at(6, 4, 1) == 0);
      CHECK(out.at(6, 4, 2) == Approx(max));
    }
}

TEST_CASE("a blur says what it cannot do", "[detail]") {
  CHECK_THROWS_WITH(make_stage("gaussian", {{"sigma", "65"}}),
                    "gaussian sigma: 65 is out of range; it must be between 0.1 and 64 px");
  CHECK_THROWS_WITH(make_stage("gaussian", {}), Catch::Contains("'sigma' is missing"));
  CHECK_THROWS_WITH(make_stage("box", {{"radius", "1.5"}}), "box radius: '1.5' is not a whole number");
}
