// Gaussian and sharpen on every instruction set: the same bytes as plain loops, and no byte behind the rows is touched.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "stages/detail/detail_rows.h"
#include "tests/stages/simd/each_target.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

int draw(std::mt19937& random, int low, int high) { return std::uniform_int_distribution(low, high)(random); }

void check_stage_on_targets(const std::string& op, const std::vector<Values::Pair>& parameters, int width, int height,
                            std::mt19937& random) {
  for (const Model model : {Model::gray, Model::bgr})
    for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
      for (const bool alpha : {false, true}) {
        const ImageInfo info = image_info(width, height, {model, depth, alpha});
        INFO(fmt::format("{} on {} {}x{}", op, to_string(info.format), width, height));
        const OwnedImage image = noise_image(info, random);
        const auto stage = make_stage(op, parameters);
        check_each_target([&] { return bytes_of(run_stage(*stage, image)); });
      }
}

// Rows that end where memory ends.
template <class Sample>
struct GuardedRow {
  explicit GuardedRow(int samples) : memory(static_cast<std::size_t>(samples) * sizeof(Sample)) {}
  Sample* data() const { return reinterpret_cast<Sample*>(memory.data()); }
  GuardedBytes memory;
};

}  // namespace

TEST_CASE("every instruction set blurs and sharpens every format to the same bytes", "[simd][detail]") {
  std::mt19937 random(test_seed());
  for (const char* sigma : {"0.3", "1", "2.4", "9"}) {
    const int width = draw(random, 1, 300), height = draw(random, 1, 30);
    check_stage_on_targets("gaussian", {{"sigma", sigma}}, width, height, random);
    check_stage_on_targets("sharpen", {{"amount", "0.7"}, {"sigma", sigma}, {"threshold", "1"}}, width, height, random);
  }
}

TEST_CASE("sharpening adds the rounded product and clamps, on every instruction set, from every level to every other",
          "[simd][detail]") {
  std::mt19937 random(test_seed());
  for (const int count : {1, 2, 15, 16, 31, 33, 64, 200, 256}) {
    const GuardedRow<std::uint8_t> in(count), out(count);
    const GuardedRow<std::int16_t> blurred(count);
    for (int level = 0; level < 256; level += draw(random, 1, 9)) {
      const auto amount = static_cast<std::int16_t>(draw(random, 0, 10240));
      const auto threshold = static_cast<std::int16_t>(draw(random, 0, 3) == 0 ? draw(random, 0, 16320) : 0);
      for (int i = 0; i < count; ++i) {
        in.data()[i] = static_cast<std::uint8_t>(level);
        blurred.data()[i] = static_cast<std::int16_t>(i % 3 == 0 ? i % 2 * 16320 : draw(random, 0, 16320));
      }
      check_each_target([&] {
        detail_rows::sharpen_u8(in.data(), blurred.data(), count, amount, threshold, out.data());
        for (int i = 0; i < count; ++i) {
          const int difference = level * 64 - blurred.data()[i];
          const int change = std::abs(difference) >= threshold ? (difference * amount + 32768) >> 16 : 0;
          if (out.data()[i] != std::clamp(level + change, 0, 255)) FAIL("wrong at " << i);
        }
        return std::string(reinterpret_cast<const char*>(out.data()), static_cast<std::size_t>(count));
      });
    }
  }
}

TEST_CASE("convolutions are exact sums on every instruction set and touch nothing behind their rows",
          "[simd][detail]") {
  std::mt19937 random(test_seed());
  for (int round = 0; round < 40; ++round) {
    const int radius = round % 8, count = draw(random, 1, 400);
    // Weights that sum to 1 << 14, as many levels as there are: what the largest sums are made of.
    std::vector<std::int16_t> half(static_cast<std::size_t>(radius + 1));
    int left = 1 << 14;
    for (int k = radius; k > 0; --k) {
      half[static_cast<std::size_t>(k)] = static_cast<std::int16_t>(draw(random, 0, left / 4));
      left -= 2 * half[static_cast<std::size_t>(k)];
    }
    half[0] = static_cast<std::int16_t>(left);
    std::vector<std::unique_ptr<GuardedRow<std::uint8_t>>> levels;
    std::vector<std::unique_ptr<GuardedRow<std::int16_t>>> fractions;
    std::vector<const std::uint8_t*> level_rows;
    std::vector<const std::int16_t*> fraction_rows;
    for (int k = 0; k <= 2 * radius; ++k) {
      levels.push_back(std::make_unique<GuardedRow<std::uint8_t>>(count));
      fractions.push_back(std::make_unique<GuardedRow<std::int16_t>>(count));
      std::generate_n(levels.back()->data(), count, [&] { return static_cast<std::uint8_t>(draw(random, 0, 255)); });
      std::generate_n(fractions.back()->data(), count,
                      [&] { return static_cast<std::int16_t>(round % 3 ? draw(random, 0, 16320) : 16320); });
      level_rows.push_back(levels.back()->data());
      fraction_rows.push_back(fractions.back()->data());
    }
    const auto expected = [&](const auto& rows, int i, int down) {
      int sum = 1 << (down - 1);
      for (int k = -radius; k <= radius; ++k)
        sum += rows[static_cast<std::size_t>(radius + k)][i] * half[static_cast<std::size_t>(std::abs(k))];
      return sum >> down;
    };
    const GuardedRow<std::int16_t> out(count);
    const GuardedRow<std::uint8_t> rounded(count);
    check_each_target([&] {
      detail_rows::convolve_u8(level_rows.data(), radius, half.data(), count, out.data());
      for (int i = 0; i < count; ++i)
        if (out.data()[i] != expected(level_rows, i, 8)) FAIL("wrong level at " << i);
      detail_rows::convolve_fixed(fraction_rows.data(), radius, half.data(), count, out.data());
      for (int i = 0; i < count; ++i)
        if (out.data()[i] != expected(fraction_rows, i, 14)) FAIL("wrong fraction at " << i);
      detail_rows::round_fixed(out.data(), count, rounded.data());
      for (int i = 0; i < count; ++i)
        if (rounded.data()[i] != (out.data()[i] + 32) >> 6) FAIL("wrongly rounded at " << i);
      return std::string(reinterpret_cast<const char*>(rounded.data()), static_cast<std::size_t>(count));
    });
  }
}
