#include <catch2/catch.hpp>
#include <cmath>

#include "stages/geometry/free_rotation.h"
#include "tests/stages/geometry/reference.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

double keys(double x) {
  x = std::abs(x);
  return x < 1 ? 1.5 * x * x * x - 2.5 * x * x + 1 : x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
}

// Catmull-Rom at the exact position of every output pixel; `background` (0..1, in channel order) surrounds the image.
NaiveImage rotate_reference(const NaiveImage& in, double degrees, const std::vector<double>& background) {
  const double angle = degrees * 3.14159265358979323846 / 180, c = std::cos(angle), s = std::sin(angle);
  const auto side = [](double v) { return std::max(1, static_cast<int>(std::ceil(v - 1e-6))); };
  NaiveImage out = make_naive(side(in.width * std::abs(c) + in.height * std::abs(s)),
                              side(in.width * std::abs(s) + in.height * std::abs(c)), in.format);
  const int channels = in.channels();
  const double top = in.max_value();
  const auto sample = [&](int x, int y, int channel) {
    const bool inside = x >= 0 && y >= 0 && x < in.width && y < in.height;
    const auto at = [&](int k) {
      return inside                          ? in.at(x, y, k)
             : in.format.depth == Depth::f32 ? background[static_cast<std::size_t>(k)]
                                             : std::round(background[static_cast<std::size_t>(k)] * top);
    };
    return in.format.alpha && channel < channels - 1 ? at(channel) * at(channels - 1) / top : at(channel);
  };
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      const double dx = x + 0.5 - out.width / 2.0, dy = y + 0.5 - out.height / 2.0;
      const double u = c * dx + s * dy + in.width / 2.0 - 0.5, v = -s * dx + c * dy + in.height / 2.0 - 0.5;
      std::vector<double> sums(static_cast<std::size_t>(channels));
      for (int j = static_cast<int>(std::floor(v)) - 2; j <= std::floor(v) + 3; ++j)
        for (int i = static_cast<int>(std::floor(u)) - 2; i <= std::floor(u) + 3; ++i)
          if (const double w = keys(i - u) * keys(j - v); w != 0)
            for (int k = 0; k < channels; ++k) sums[static_cast<std::size_t>(k)] += w * sample(i, j, k);
      const double alpha = in.format.alpha ? sums.back() : top;
      const bool visible = alpha >= (in.format.depth == Depth::f32 ? 0.5 / 65535 : 0.5);
      for (int k = 0; k < channels; ++k) {
        double value = sums[static_cast<std::size_t>(k)];
        if (in.format.alpha && k < channels - 1) value = visible ? value / alpha * top : 0;
        if (in.format.depth != Depth::f32) value = std::clamp(value, 0.0, top);
        if (in.format.alpha && k == channels - 1) value = visible ? std::clamp(value, 0.0, top) : 0;
        out.at(x, y, k) = value;
      }
    }
  return out;
}

StageCase rotate_case(const std::string& angle, const std::string& background, std::vector<double> gray,
                      std::vector<double> bgr, double alpha) {
  StageCase test;
  test.op = "rotate";
  test.parameters = {{"", angle}, {"background", background}};
  test.depths = {Depth::u8};
  test.weigh_by_alpha = true;
  // Half a level for rounding; positions are rounded to 1/1024 of a sample, and an edge may climb 400 levels per
  // sample.
  test.tolerance = 1.2;
  test.naive = [=](const NaiveImage& in) {
    std::vector<double> border = in.format.model == Model::gray ? gray : bgr;
    border.push_back(alpha);
    return rotate_reference(in, std::stod(angle), border);
  };
  return test;
}

}  // namespace

TEST_CASE("rotation by any angle agrees with the exact bicubic, whatever the tiling", "[rotate]") {
  check_stage(rotate_case("7.5", "#808080", {0x80 / 255.0}, {0x80 / 255.0, 0x80 / 255.0, 0x80 / 255.0}, 1));
  check_stage(rotate_case("-133", "#ffffff40", {1}, {1, 1, 1}, 0x40 / 255.0));
}

TEST_CASE("16-bit and float rotations stay within a 65535th of the range times the edge", "[rotate]") {
  std::mt19937 random(test_seed());
  for (const Depth depth : {Depth::u16, Depth::f32})
    for (const bool alpha : {false, true}) {
      const NaiveImage image = random_image(random, 73, 51, {Model::bgr, depth, alpha});
      const OwnedImage input(image);
      const auto operation = free_rotation(input.info(), 21, parse_color("#ff0000"));
      check_tilings(*operation, input, random);
      const NaiveImage expected = rotate_reference(image, 21, {0, 0, 1, 1}),
                       actual = run_operation(*operation, input).naive();
      REQUIRE(expected.width == actual.width);
      REQUIRE(expected.height == actual.height);
      // A position is off by 1/2048 sample at most; the steepest edge climbs about 1.6 times the range per sample.
      const double bound = image.max_value() * 2 * 1.6 / 2048 + 1;
      const auto shown = [&](const NaiveImage& i, std::size_t k) {
        return alpha && k % 4 != 3 ? i.samples[k] * i.samples[k / 4 * 4 + 3] / i.max_value() : i.samples[k];
      };
      // Negative taps can cancel alpha and leave colour: where that rounds to invisible on one side only, the colours
      // are free, and alpha itself is still held to the bound.
      const auto vanished = [&](std::size_t k) {
        return alpha && k % 4 != 3 && (expected.samples[k / 4 * 4 + 3] == 0) != (actual.samples[k / 4 * 4 + 3] == 0);
      };
      for (std::size_t i = 0; i < expected.samples.size(); ++i)
        if (!vanished(i))
          REQUIRE(std::abs(shown(expected, i) - shown(actual, i)) <= (depth == Depth::f32 ? bound - 1 : bound));
    }
}

TEST_CASE("a rotated flat image is flat inside and background outside", "[rotate]") {
  NaiveImage image = make_naive(101, 61, {Model::gray, Depth::u8, false});
  image.samples.assign(image.samples.size(), 200);
  const NaiveImage out =
      run_stage(*make_stage("rotate", {{"", "30"}, {"background", "#0a0a0a"}}), OwnedImage(image)).naive();
  CHECK(out.width == 118);
  CHECK(out.height == 104);
  CHECK(out.at(0, 0, 0) == 10);
  CHECK(out.at(117, 103, 0) == 10);
  for (int y = 42; y < 62; ++y)
    for (int x = 49; x < 69; ++x) REQUIRE(out.at(x, y, 0) == 200);
}
