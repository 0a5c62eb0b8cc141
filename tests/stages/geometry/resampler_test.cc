#include "stages/resampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "stages/geometry/crop.h"
#include "stages/geometry/turn.h"
#include "tests/stages/geometry/reference.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

constexpr Filter kFilters[]{Filter::nearest,     Filter::box,      Filter::triangle,
                            Filter::catmull_rom, Filter::mitchell, Filter::lanczos3};

// Rounding takes half a level; quantised taps and the intermediate's fraction may take the rest.
constexpr double kBoundU8 = 0.6, kBoundU16 = 0.7;

ResampleTarget whole(int width, int height) { return {width, height, {0, 0, width, height}}; }

double error_of(const OwnedImage& image, const ResampleTarget& target, Filter filter) {
  const auto operation = resample(image.info(), target, filter);
  const OwnedImage out = run_operation(*operation, image);
  double worst = 0;
  for (int p = 0; p < image.info().format.planes(); ++p)
    worst = std::max(
        worst, worst_difference(
                   reference_resample(image.info(), reference_plane(image.info(), image.view(), p), p, target, filter),
                   reference_plane(out.info(), out.view(), p)));
  return worst;
}

template <class Function>
OwnedImage gray_image(int width, int height, Function value) {
  OwnedImage image(image_info(width, height, {Model::gray, Depth::u8, false}));
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      image.view().plane().row<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(value(x, y));
  return image;
}

// Low frequencies only, so that a coarser grid holds the same picture.
double smooth(double x, double y) {
  return 128 + 60 * std::sin(x / 23) * std::cos(y / 31) + 40 * std::sin((x + 2 * y) / 57);
}

// The picture `smooth` on any grid: each sample the value at its centre.
OwnedImage smooth_image(const ImageInfo& info) {
  OwnedImage image(info);
  for (int p = 0; p < info.format.planes(); ++p) {
    const Grid& g = info.grid[static_cast<std::size_t>(p)];
    const auto plane = image.view().plane(p);
    for (int y = 0; y < plane.height; ++y)
      for (int x = 0; x < plane.width; ++x)
        for (int c = 0; c < info.format.channels(); ++c)
          plane.row<std::uint8_t>(y)[x * info.format.channels() + c] =
              static_cast<std::uint8_t>(std::lround(smooth((x << g.log2_x) + g.phase_x + (1 << g.log2_x) / 2.0,
                                                           (y << g.log2_y) + g.phase_y + (1 << g.log2_y) / 2.0)));
  }
  return image;
}

// The largest distance from the picture scaled by geometry alone, away from the border, where windows are clipped.
double shift_error(const OwnedImage& out, int plane, double zoom_x, double zoom_y, double offset_x = 0) {
  const Grid& g = out.info().grid[static_cast<std::size_t>(plane)];
  const auto p = out.view().plane(plane);
  double worst = 0;
  for (int y = 4; y < p.height - 4; ++y)
    for (int x = 4; x < p.width - 4; ++x) {
      const double cx = ((x + 0.5) * (1 << g.log2_x)) * zoom_x + offset_x, cy = ((y + 0.5) * (1 << g.log2_y)) * zoom_y;
      worst = std::max(worst, std::abs(smooth(cx, cy) - p.row<std::uint8_t>(y)[x * out.info().format.channels()]));
    }
  return worst;
}

}  // namespace

TEST_CASE("8-bit resampling stays within 0.6 levels of the real-valued result", "[resampler]") {
  std::mt19937 random(test_seed());
  for (const Filter filter : kFilters)
    for (const auto& [w, h] : {std::pair{31, 17}, {97, 141}, {113, 211}, {7, 500}, {1, 1}, {112, 1}}) {
      const OwnedImage image = noise_image(image_info(113, 71, {Model::bgr, Depth::u8, false}), random);
      INFO(fmt::format("seed {}: filter {} to {}x{}", test_seed(), filter_names()[static_cast<std::size_t>(filter)], w,
                       h));
      CHECK(error_of(image, whole(w, h), filter) <= kBoundU8);
    }
}

TEST_CASE("8-bit resampling stays within 0.6 levels when it shrinks fifty- to a hundredfold", "[resampler]") {
  std::mt19937 random(test_seed());
  for (const Filter filter : {Filter::box, Filter::mitchell, Filter::lanczos3})
    for (const int shrink : {50, 73, 100}) {
      const int width = 1203, height = 907, w = width / shrink, h = height / shrink;
      INFO(fmt::format("seed {}: shrink {}", test_seed(), shrink));
      CHECK(error_of(noise_image(image_info(width, height, {Model::gray, Depth::u8, false}), random), whole(w, h),
                     filter) <= kBoundU8);
      CHECK(error_of(gray_image(width, height, [](int x, int y) { return (x + y) % 2 * 255; }), whole(w, h), filter) <=
            kBoundU8);
      CHECK(error_of(gray_image(width, height, [](int x, int y) { return (x / 2 + y / 3) % 2 * 255; }), whole(w, h),
                     filter) <= kBoundU8);
      CHECK(error_of(gray_image(width, height, [&](int x, int y) { return (x / shrink + y / shrink) % 2 * 255; }),
                     whole(w, h), filter) <= kBoundU8);
    }
}

TEST_CASE("8-bit resampling stays within a level when a whole side becomes a few samples", "[resampler]") {
  std::mt19937 random(test_seed());
  for (const Filter filter : {Filter::box, Filter::mitchell, Filter::lanczos3})
    for (const int side : {9'000, 40'000}) {
      INFO(fmt::format("seed {}: {}", test_seed(), side));
      const auto ramp = [side](int x, int y) { return (x + y) * 255 / (side + 2); };
      CHECK(error_of(gray_image(side, 3, ramp), whole(5, 2), filter) <= 1);
      CHECK(error_of(gray_image(3, side, ramp), whole(2, 5), filter) <= 1);
      CHECK(error_of(noise_image(image_info(side, 2, {Model::bgr, Depth::u8, false}), random), whole(3, 2), filter) <=
            1);
    }
}

TEST_CASE("checkerboards at every scale stay within 0.6 levels", "[resampler]") {
  for (const int period : {1, 2, 3, 5, 8})
    for (const auto& [w, h] : {std::pair{60, 33}, {239, 161}, {480, 322}, {701, 500}})
      CHECK(error_of(gray_image(240, 161, [&](int x, int y) { return (x / period + y / period) % 2 * 255; }),
                     whole(w, h), Filter::lanczos3) <= kBoundU8);
}

TEST_CASE("16-bit resampling stays within 0.7 levels of 65535, float within 2e-6", "[resampler]") {
  std::mt19937 random(test_seed());
  for (const Filter filter : kFilters)
    for (const auto& [w, h] : {std::pair{31, 17}, {151, 93}, {2, 1}}) {
      INFO(fmt::format("seed {}", test_seed()));
      CHECK(error_of(noise_image(image_info(113, 71, {Model::bgr, Depth::u16, false}), random), whole(w, h), filter) <=
            kBoundU16);
      CHECK(error_of(noise_image(image_info(113, 71, {Model::bgr, Depth::f32, false}), random), whole(w, h), filter) <=
            2e-6);
    }
  CHECK(error_of(noise_image(image_info(2003, 1511, {Model::gray, Depth::u16, false}), random), whole(20, 15),
                 Filter::lanczos3) <= kBoundU16);
}

TEST_CASE("flat areas stay exactly flat", "[resampler]") {
  for (const Filter filter : kFilters)
    for (const int level : {0, 1, 77, 254, 255})
      for (const int size : {3, 13, 50, 127, 300}) {
        const OwnedImage image = gray_image(101, 51, [&](int, int) { return level; });
        const OwnedImage out = run_operation(*resample(image.info(), whole(size, size), filter), image);
        const ReferencePlane plane = reference_plane(out.info(), out.view(), 0);
        CHECK(std::ranges::all_of(plane.samples, [&](double v) { return v == level; }));
      }
}

TEST_CASE("a resample to the same size changes nothing", "[resampler]") {
  std::mt19937 random(test_seed());
  for (const Filter filter : {Filter::nearest, Filter::box, Filter::triangle, Filter::catmull_rom, Filter::lanczos3})
    for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32}) {
      const OwnedImage image = noise_image(image_info(83, 41, {Model::bgr, depth, false}), random);
      const OwnedImage out = run_operation(*resample(image.info(), whole(83, 41), filter), image);
      CHECK(worst_difference(reference_plane(image.info(), image.view(), 0),
                             reference_plane(out.info(), out.view(), 0)) == 0);
    }
}

TEST_CASE("planes are resampled to grids of their own, each within 0.6 levels", "[resampler]") {
  std::mt19937 random(test_seed());
  for (const auto& [cx, cy] : {std::pair{0, 0}, {1, 0}, {1, 1}, {0, 1}, {2, 0}})
    for (const int scale : {0, 1, 2})
      for (const Filter filter : {Filter::nearest, Filter::box, Filter::triangle, Filter::lanczos3}) {
        INFO(fmt::format("seed {}: chroma {},{} scale {}", test_seed(), cx, cy, scale));
        const OwnedImage image = noise_image(planar_info(213, 131, scale, cx, cy), random);
        const auto operation = resample(image.info(), whole(61, 37), filter);
        const ImageInfo out = operation->output();
        CHECK(out.grid[0] == Grid{});
        CHECK(out.grid[1] == Grid{static_cast<std::uint8_t>(cx), static_cast<std::uint8_t>(cy), 0, 0});
        CHECK(error_of(image, whole(61, 37), filter) <= kBoundU8);
        check_tilings(*operation, image, random);
      }
}

TEST_CASE("any tiling of a coarse, cropped or turned grid gives the bytes of the whole", "[resampler]") {
  std::mt19937 random(test_seed());
  for (const Filter filter : kFilters)
    for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
      for (const bool alpha : {false, true}) {
        ImageInfo info = image_info(211, 97, {Model::bgr, depth, alpha});
        info.grid[0] = {1, 2, -1, -3};
        const OwnedImage image = noise_image(info, random);
        check_tilings(*resample(info, whole(64, 29), filter), image, random);
        check_tilings(*resample(info, {400, 300, {33, 51, 180, 211}}, filter), image, random);
      }
}

TEST_CASE("a scaled decode is resized without a shift, whatever its padded size", "[resampler]") {
  for (const int log2 : {0, 1, 2})
    for (const int width : {724, 725, 726, 727}) {
      ImageInfo info = image_info(width, 541, {Model::bgr, Depth::u8, false});
      info.grid[0] = {static_cast<std::uint8_t>(log2), static_cast<std::uint8_t>(log2), 0, 0};
      const OwnedImage out = run_operation(*resample(info, whole(120, 90), Filter::lanczos3), smooth_image(info));
      // Half a sample of shift would be 1.5 levels and more.
      CHECK(shift_error(out, 0, width / 120.0, 541 / 90.0) < 1.25);
    }
}

TEST_CASE("box-averaged halves resize like the full picture", "[resampler]") {
  const ImageInfo full_info = image_info(1363, 901, {Model::gray, Depth::u8, false});
  const OwnedImage full = smooth_image(full_info);
  ImageInfo half_info = full_info;
  half_info.grid[0] = {1, 1, 0, 0};
  OwnedImage half(half_info);
  const auto plane = half.view().plane();
  for (int y = 0; y < plane.height; ++y)
    for (int x = 0; x < plane.width; ++x) {
      int sum = 2;  // a decoder pads by repeating the last column and row
      for (const int dy : {0, 1})
        for (const int dx : {0, 1})
          sum += full.view().plane().row<std::uint8_t>(std::min(2 * y + dy, 900))[std::min(2 * x + dx, 1362)];
      plane.row<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(sum / 4);
    }
  const OwnedImage a = run_operation(*resample(full_info, whole(361, 239), Filter::lanczos3), full);
  const OwnedImage b = run_operation(*resample(half_info, whole(361, 239), Filter::lanczos3), half);
  CHECK(worst_difference(reference_plane(a.info(), a.view(), 0), reference_plane(b.info(), b.view(), 0)) <= 1);
}

TEST_CASE("subsampled chroma keeps its place", "[resampler]") {
  for (const auto& [cx, cy] : {std::pair{1, 0}, {1, 1}, {2, 0}}) {
    const ImageInfo info = planar_info(725, 541, 1, cx, cy);
    const OwnedImage out = run_operation(*resample(info, whole(201, 150), Filter::lanczos3), smooth_image(info));
    for (const int p : {0, 1, 2}) CHECK(shift_error(out, p, 725 / 201.0, 541 / 150.0) < 1.5);
  }
}

TEST_CASE("odd crops and mirrors of a coarse grid are made good by the resize", "[resampler]") {
  const ImageInfo info = planar_info(725, 541, 1, 1, 1);
  const OwnedImage image = smooth_image(info);
  const OwnedImage cropped = run_operation(*crop_operation(info, {37, 0, 37 + 605, 541}), image);
  const OwnedImage small = run_operation(*resample(cropped.info(), whole(201, 150), Filter::lanczos3), cropped);
  const OwnedImage mirrored = run_operation(*turn_operation(info, kFlop), image);
  const OwnedImage flopped = run_operation(*resample(mirrored.info(), whole(201, 150), Filter::lanczos3), mirrored);
  const OwnedImage back = run_operation(*turn_operation(flopped.info(), kFlop), flopped);
  for (const int p : {0, 1, 2}) CHECK(shift_error(small, p, 605 / 201.0, 541 / 150.0, 37) < 1.5);
  CHECK(shift_error(back, 0, 725 / 201.0, 541 / 150.0) < 1.0);
}

TEST_CASE("what is finer than the output vanishes instead of aliasing", "[resampler]") {
  // A zone plate whose frequency grows from the centre; beyond radius 110 of 250 it exceeds the output's Nyquist limit.
  const OwnedImage image = gray_image(500, 500, [](int x, int y) {
    const double dx = x - 249.5, dy = y - 249.5;
    return std::lround(127.5 + 127 * std::cos((dx * dx + dy * dy) * 3.14159265 / 500));
  });
  for (const Filter filter : {Filter::box, Filter::triangle, Filter::mitchell, Filter::catmull_rom, Filter::lanczos3}) {
    const OwnedImage out = run_operation(*resample(image.info(), whole(125, 125), filter), image);
    double worst = 0;
    for (int y = 0; y < 125; ++y)
      for (int x = 0; x < 125; ++x)
        if (std::hypot(x - 62, y - 62) > 50 && std::hypot(x - 62, y - 62) < 56)
          worst = std::max(worst, std::abs(out.view().plane().row<std::uint8_t>(y)[x] - 127.5));
    CHECK(worst < (filter == Filter::box ? 40 : filter == Filter::triangle ? 12 : 6));
  }
}
