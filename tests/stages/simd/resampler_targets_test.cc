// The resampler on every instruction set: the same bytes, whatever the format, filter, size and tiling.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "stages/simd/target.h"
#include "tests/stages/simd/each_target.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

constexpr Filter kFiltered[]{Filter::box, Filter::triangle, Filter::catmull_rom, Filter::mitchell, Filter::lanczos3};

int draw(std::mt19937& random, int low, int high) { return std::uniform_int_distribution(low, high)(random); }

ResampleTarget whole(int width, int height) { return {width, height, {0, 0, width, height}}; }

void check_resample(const ImageInfo& info, int width, int height, Filter filter, std::mt19937& random) {
  INFO(fmt::format("{} {}x{} to {}x{}, {}", to_string(info.format), info.width, info.height, width, height,
                   filter_names()[static_cast<std::size_t>(filter)]));
  check_each_target(*resample(info, whole(width, height), filter), noise_image(info, random));
}

}  // namespace

TEST_CASE("every instruction set resamples every format to the same bytes", "[simd][resampler]") {
  std::mt19937 random(test_seed());
  for (const Filter filter : kFiltered)
    for (const Model model : {Model::gray, Model::bgr})
      for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
        for (const bool alpha : {false, true})
          for (int i = 0; i < 3; ++i)
            check_resample(image_info(draw(random, 1, 400), draw(random, 1, 60), {model, depth, alpha}),
                           draw(random, 1, 300), draw(random, 1, 50), filter, random);
}

TEST_CASE("every width from one to 150 samples has the same bytes with every instruction set", "[simd][resampler]") {
  std::mt19937 random(test_seed());
  for (int width = 1; width <= 150; ++width) {
    check_resample(image_info(width, 9, {Model::gray, Depth::u8, false}), draw(random, 1, 2 * width), 5,
                   Filter::lanczos3, random);
    check_resample(image_info(width, 7, {Model::bgr, Depth::u8, false}), draw(random, 1, 2 * width), 6,
                   Filter::catmull_rom, random);
    check_resample(image_info(draw(random, 1, 300), 5, {Model::bgr, Depth::u8, false}), width, 3, Filter::triangle,
                   random);
  }
}

TEST_CASE("strong shrinks, whose sums need more than 32 bits, have the same bytes with every instruction set",
          "[simd][resampler]") {
  std::mt19937 random(test_seed());
  for (const int shrink : {3, 5, 6, 11, 40, 97}) {
    const PixelFormat format{shrink % 2 ? Model::gray : Model::bgr, Depth::u8, false};
    check_resample(image_info(1021, 307, format), 1021 / shrink, 307 / shrink, Filter::lanczos3, random);
    OwnedImage white(image_info(1021, 307, format));  // the largest sums that there are
    for (int y = 0; y < 307; ++y)
      std::fill_n(white.view().plane().row<std::uint8_t>(y), 1021 * format.channels(), std::uint8_t{255});
    check_each_target(*resample(white.info(), whole(1021 / shrink, 307 / shrink), Filter::lanczos3), white);
  }
}

TEST_CASE("planes of a scaled decode, in any tiling, have the same bytes with every instruction set",
          "[simd][resampler]") {
  std::mt19937 random(test_seed());
  for (const auto& [cx, cy] : {std::pair{0, 0}, {1, 1}, {2, 0}}) {
    const OwnedImage image = noise_image(planar_info(411, 233, 1, cx, cy), random);
    const auto operation = resample(image.info(), whole(97, 61), Filter::lanczos3);
    check_each_target(*operation, image);
    for (const std::string& name : simd_targets()) {
      const UsedTarget used(name);
      check_tilings(*operation, image, random);
    }
  }
}
