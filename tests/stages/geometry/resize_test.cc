#include <catch2/catch.hpp>
#include <cmath>

#include "tests/stages/geometry/reference.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

int scaled(int side, double factor) { return std::max(1, static_cast<int>(std::floor(side * factor + 0.5))); }

StageCase percent_case(const std::string& size, Filter filter, double fx, double fy) {
  StageCase test;
  test.op = "resize";
  test.parameters = {{"", size}, {"filter", std::string(filter_names()[static_cast<std::size_t>(filter)])}};
  test.naive = [=](const NaiveImage& in) {
    return reference_resize(in, scaled(in.width, fx), scaled(in.height, fy), filter);
  };
  // Colour and alpha are each rounded, so their product may be a level off; resampler_test.cc has the bounds without
  // alpha.
  test.tolerance = filter == Filter::nearest ? 0 : 1.05;
  test.weigh_by_alpha = filter != Filter::nearest;
  return test;
}

NaiveImage part_of(const NaiveImage& in, int x0, int y0, int width, int height) {
  NaiveImage out = make_naive(width, height, in.format);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < in.channels(); ++c) out.at(x, y, c) = in.at(x + x0, y + y0, c);
  return out;
}

OwnedImage run(const std::vector<Values::Pair>& parameters, const OwnedImage& image) {
  return run_stage(*make_stage("resize", parameters), image);
}

}  // namespace

TEST_CASE("resize agrees with the definition of every filter, whatever the tiling", "[resize]") {
  const auto filter =
      GENERATE(Filter::nearest, Filter::box, Filter::triangle, Filter::catmull_rom, Filter::mitchell, Filter::lanczos3);
  StageCase shrink = percent_case("37%x23%", filter, 0.37, 0.23);
  shrink.depths.push_back(Depth::f32);
  check_stage(shrink);
  check_stage(percent_case("130%x61%", filter, 1.3, 0.61));
}

TEST_CASE("fit=cover is the middle of the picture that covers", "[resize]") {
  std::mt19937 random(test_seed());
  const NaiveImage image = random_image(random, 301, 203, {Model::bgr, Depth::u8, false});
  // 301x203 covers 100x120 as 178x120; 39 columns go on either side.
  const NaiveImage expected = part_of(reference_resize(image, 178, 120, Filter::lanczos3), 39, 0, 100, 120);
  const NaiveImage actual = run({{"", "100x120"}, {"fit", "cover"}}, OwnedImage(image)).naive();
  REQUIRE(actual.width == 100);
  REQUIRE(actual.height == 120);
  for (std::size_t i = 0; i < expected.samples.size(); ++i)
    REQUIRE(std::abs(expected.samples[i] - actual.samples[i]) <= 0.6);
  const NaiveImage right =
      run({{"", "100x120"}, {"fit", "cover"}, {"gravity", "southeast"}}, OwnedImage(image)).naive();
  const NaiveImage expected_right = part_of(reference_resize(image, 178, 120, Filter::lanczos3), 78, 0, 100, 120);
  for (std::size_t i = 0; i < expected.samples.size(); ++i)
    REQUIRE(std::abs(expected_right.samples[i] - right.samples[i]) <= 0.6);
}

TEST_CASE("fit=pad puts the picture on a canvas of the size", "[resize]") {
  std::mt19937 random(test_seed());
  const NaiveImage image = random_image(random, 300, 200, {Model::gray, Depth::u8, false});
  const NaiveImage inner = reference_resize(image, 90, 60, Filter::lanczos3);
  const auto stage =
      make_stage("resize", {{"", "90x101"}, {"fit", "pad"}, {"background", "#102030"}, {"gravity", "center"}});
  const OwnedImage out = run_stage(*stage, OwnedImage(image));
  CHECK(out.info().format == PixelFormat{Model::bgr, Depth::u8, false});
  const NaiveImage actual = out.naive();
  REQUIRE(actual.width == 90);
  REQUIRE(actual.height == 101);
  for (int y = 0; y < 101; ++y)
    for (int x = 0; x < 90; ++x)
      for (int c = 0; c < 3; ++c) {
        const bool inside = y >= 20 && y < 80;
        const double border[]{0x30, 0x20, 0x10};
        REQUIRE(std::abs(actual.at(x, y, c) - (inside ? inner.at(x, y - 20, 0) : border[c])) <= 0.6);
      }
}

TEST_CASE("fit=pad and fit=cover tile exactly", "[resize]") {
  std::mt19937 random(test_seed());
  for (const char* fit : {"pad", "cover"})
    for (const bool alpha : {false, true}) {
      const auto stage = make_stage("resize", {{"", "131x97"}, {"fit", fit}, {"background", "#00ff0080"}});
      ImageInfo info = image_info(213, 301, {Model::bgr, Depth::u8, alpha || std::string(fit) == "pad"});
      const OwnedImage image = noise_image(info, random);
      const auto operation = stage->bind(info, {});
      CHECK(operation->output() == stage->output(info));
      check_tilings(*operation, image, random);
    }
}

TEST_CASE("an image that keeps its size keeps its samples, transparent ones too", "[resize]") {
  std::mt19937 random(test_seed());
  const OwnedImage image = noise_image(image_info(40, 30, {Model::bgr, Depth::u8, true}), random);
  const OwnedImage out = run({{"", "100x100>"}}, image);
  CHECK(out.naive().samples == image.naive().samples);
  // Planes too; and a coarse plane is never taken for a finished one.
  const OwnedImage planes = noise_image(planar_info(41, 31, 0, 1, 1), random);
  const auto same = make_stage("resize", {{"", "100x100>"}})->bind(planes.info(), {});
  CHECK(same->output() == planes.info());
  check_tilings(*same, planes, random);
  const OwnedImage coarse = noise_image(planar_info(41, 31, 1, 0, 0), random);
  const auto finer = make_stage("resize", {{"", "100x100>"}})->bind(coarse.info(), {});
  CHECK(finer->output().full_size());
  check_tilings(*finer, coarse, random);
}

TEST_CASE("transparent pixels lend no colour to their neighbours", "[resize]") {
  // Left half opaque blue, right half transparent red.
  OwnedImage image(image_info(64, 8, {Model::bgr, Depth::u8, true}));
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 64; ++x) {
      const std::uint8_t left[]{200, 0, 0, 255}, right[]{0, 0, 255, 0};
      std::copy_n(x < 31 ? left : right, 4, image.view().plane().row<std::uint8_t>(y) + 4 * x);
    }
  for (const char* size : {"17x8!", "151x8!", "63x3!"}) {
    const NaiveImage out = run({{"", size}}, image).naive();
    for (int y = 0; y < out.height; ++y)
      for (int x = 0; x < out.width; ++x) {
        REQUIRE(out.at(x, y, 2) == 0);
        REQUIRE((out.at(x, y, 0) == 200 || out.at(x, y, 3) == 0));
      }
  }
}

TEST_CASE("planes with alpha become colours before the resize", "[resize]") {
  const PixelFormat planes{Model::ycbcr_planar, Depth::u8, false}, with_alpha{Model::ycbcr_planar, Depth::u8, true};
  CHECK(make_stage("resize", {{"", "10x"}})->working_format(planes) == planes);
  CHECK(make_stage("resize", {{"", "10x"}})->working_format(with_alpha) == PixelFormat{Model::bgr, Depth::u8, true});
  CHECK(make_stage("resize", {{"", "10x10"}, {"fit", "pad"}})->working_format(with_alpha) ==
        PixelFormat{Model::bgr, Depth::u8, true});
}
