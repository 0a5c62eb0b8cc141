#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "tests/stages/geometry/reference.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

// The bounding box of the pixels that differ from the border colour by more than the tolerance.
NaiveImage trim_reference(const NaiveImage& in, double tolerance, std::vector<double> border) {
  const int channels = in.channels();
  const double top = in.max_value();
  const auto value = [&](int x, int y, int c) {
    const double v = in.at(x, y, c);
    if (!in.format.alpha || c == channels - 1) return v;
    const double weighted = v * in.at(x, y, channels - 1) / top;
    return in.format.depth == Depth::f32 ? static_cast<double>(static_cast<float>(weighted))
                                         : std::floor(weighted + 0.5);
  };
  int x0 = in.width, y0 = in.height, x1 = -1, y1 = -1;
  for (int y = 0; y < in.height; ++y)
    for (int x = 0; x < in.width; ++x)
      for (int c = 0; c < channels; ++c) {
        const double b = border.empty() ? value(0, 0, c) : border[static_cast<std::size_t>(c)];
        if (std::abs(value(x, y, c) - b) > tolerance * top)
          x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, y), y1 = std::max(y1, y);
      }
  if (x1 < 0) return in;
  NaiveImage out = make_naive(x1 - x0 + 1, y1 - y0 + 1, in.format);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x)
      for (int c = 0; c < channels; ++c) out.at(x, y, c) = in.at(x + x0, y + y0, c);
  return out;
}

// A random picture on a border of nearly one colour.
NaiveImage framed(std::mt19937& random, int left, int top, int right, int bottom, PixelFormat format) {
  const NaiveImage inner = random_image(random, 57, 43, format);
  NaiveImage out = make_naive(57 + left + right, 43 + top + bottom, format);
  std::uniform_int_distribution<int> noise(-4, 4);
  const double level = out.max_value() / 255;
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x)
      for (int c = 0; c < out.channels(); ++c) {
        const bool inside = x >= left && y >= top && x < left + 57 && y < top + 43;
        const bool alpha = format.alpha && c == out.channels() - 1;
        out.at(x, y, c) = inside  ? inner.at(x - left, y - top, c)
                          : alpha ? out.max_value()
                                  : (200 + noise(random)) * level;
        if (format.depth == Depth::f32) out.at(x, y, c) = static_cast<double>(static_cast<float>(out.at(x, y, c)));
      }
  // Content reaches every side of the inner part.
  for (int c = 0; c < out.channels(); ++c)
    out.at(left, top, c) = out.at(left + 56, top + 42, c) =
        format.alpha && c == out.channels() - 1 ? out.max_value() : 0;
  return out;
}

StageCase trim_case(std::vector<Values::Pair> parameters, double tolerance) {
  StageCase test;
  test.op = "trim";
  test.parameters = std::move(parameters);
  test.naive = [=](const NaiveImage& in) { return trim_reference(in, tolerance, {}); };
  test.depths = {Depth::u8, Depth::u16, Depth::f32};
  return test;
}

}  // namespace

TEST_CASE("trim keeps the bounding box of what is not border", "[trim]") {
  check_stage(trim_case({}, 10.0 / 255));
  check_stage(trim_case({{"", "30%"}}, 0.3));
}

TEST_CASE("trim finds a noisy frame in every format", "[trim]") {
  std::mt19937 random(test_seed());
  for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
    for (const Model model : {Model::gray, Model::bgr})
      for (const bool alpha : {false, true}) {
        const NaiveImage image = framed(random, 5, 7, 11, 2, {model, depth, alpha});
        const NaiveImage out = run_stage(*make_stage("trim", {}), OwnedImage(image)).naive();
        CHECK(out.width == 57);
        CHECK(out.height == 43);
        CHECK(out.samples == trim_reference(image, 10.0 / 255, {}).samples);
        const NaiveImage given =
            run_stage(*make_stage("trim", {{"tolerance", "5"}, {"background", "#c8c8c8"}}), OwnedImage(image)).naive();
        CHECK(given.samples == out.samples);
        const NaiveImage strict = run_stage(*make_stage("trim", {{"tolerance", "0"}}), OwnedImage(image)).naive();
        CHECK(strict.samples == trim_reference(image, 0, {}).samples);
      }
}

TEST_CASE("an image of nothing but border stays as it is", "[trim]") {
  NaiveImage image = make_naive(31, 17, {Model::bgr, Depth::u8, false});
  image.samples.assign(image.samples.size(), 90);
  CHECK(run_stage(*make_stage("trim", {}), OwnedImage(image)).naive().samples == image.samples);
}

TEST_CASE("a statistic of zeros binds to a trim that changes nothing", "[trim]") {
  const auto stage = make_stage("trim", {});
  const ImageInfo info = image_info(31, 17, {Model::bgr, Depth::u8, false});
  const std::vector<std::byte> zeros(stage->reduction(info)->bytes());
  CHECK(stage->bind(info, {zeros})->output() == info);
  CHECK(stage->bind(info, {})->output() == info);
  CHECK(!stage->output(info));
}

TEST_CASE("what is transparent is border, whatever colour it hides", "[trim]") {
  NaiveImage image = make_naive(20, 20, {Model::bgr, Depth::u8, true});
  std::mt19937 random(test_seed());
  for (int y = 0; y < 20; ++y)
    for (int x = 0; x < 20; ++x) {
      for (int c = 0; c < 3; ++c) image.at(x, y, c) = std::uniform_int_distribution<int>(0, 255)(random);
      image.at(x, y, 3) = x >= 6 && x < 15 && y >= 4 && y < 9 ? 255 : 0;
    }
  const NaiveImage out = run_stage(*make_stage("trim", {}), OwnedImage(image)).naive();
  CHECK(out.width == 9);
  CHECK(out.height == 5);
}

TEST_CASE("a float that is no number counts as content, on whichever side", "[trim]") {
  NaiveImage image = make_naive(9, 9, {Model::gray, Depth::f32, false});
  image.at(4, 6, 0) = std::numeric_limits<double>::quiet_NaN();
  image.at(2, 3, 0) = -std::numeric_limits<double>::infinity();
  const OwnedImage out = run_stage(*make_stage("trim", {}), OwnedImage(image));
  CHECK(out.info().width == 3);
  CHECK(out.info().height == 4);
}

TEST_CASE("trim refuses a tolerance or a background that means nothing", "[trim]") {
  for (const char* tolerance : {"", "x", "-1", "256", "101%", "5%%", "nan"})
    CHECK_THROWS_AS(make_stage("trim", {{"tolerance", tolerance}}), std::invalid_argument);
  CHECK_THROWS_AS(make_stage("trim", {{"background", "nocolour"}}), std::invalid_argument);
}
