// The 8-bit row functions by themselves: what they may touch, and sums at the limits.
#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "stages/resampler_kernels.h"
#include "tests/stages/simd/each_target.h"

using namespace tessera::tests;
namespace kernels = tessera::stages::kernels;

namespace {

int draw(std::mt19937& random, int low, int high) { return std::uniform_int_distribution(low, high)(random); }

template <class Iterator>
std::string text(Iterator begin, std::size_t count) {
  return {reinterpret_cast<const char*>(&*begin), count * sizeof *begin};
}

}  // namespace

TEST_CASE("blending reads no byte behind its rows, and every instruction set gives the sums of one loop",
          "[simd][resampler]") {
  std::mt19937 random(test_seed());
  for (int round = 0; round < 60; ++round) {
    const int channels = round % 2 ? 3 : 1, pixels = draw(random, 1, 700), begin = draw(random, 0, pixels - 1);
    const int count = draw(random, 1, 15), shift = 14;
    const auto size = static_cast<std::size_t>(pixels * channels);
    std::vector<std::unique_ptr<GuardedBytes>> memory;
    std::vector<const std::uint8_t*> rows;
    for (int k = 0; k < count; ++k) {
      memory.push_back(std::make_unique<GuardedBytes>(size));
      std::generate_n(memory.back()->data(), size, [&] { return static_cast<std::uint8_t>(draw(random, 0, 255)); });
      rows.push_back(memory.back()->data());
    }
    std::vector<std::int16_t> weights(16);
    for (int k = 0; k < count; ++k)
      weights[static_cast<std::size_t>(k)] = static_cast<std::int16_t>(draw(random, -2000, 2000));
    check_each_target([&] {
      const std::ptrdiff_t stride = pixels;
      std::vector<std::int16_t> out(size, -7);
      kernels::blend_u8(rows.data(), weights.data(), count, shift, begin, pixels, channels, out.data(), stride);
      for (int x = 0; x < pixels; ++x)
        for (int c = 0; c < channels; ++c) {
          int sum = 1 << (shift - kernels::kFraction8 - 1);
          for (int k = 0; k < count; ++k)
            sum += rows[static_cast<std::size_t>(k)][x * channels + c] * weights[static_cast<std::size_t>(k)];
          const int expected = x < begin ? -7 : sum >> (shift - kernels::kFraction8);
          if (out[static_cast<std::size_t>(c * stride + x)] != expected) FAIL("wrong at " << x);
        }
      return text(out.begin(), out.size());
    });
  }
}

TEST_CASE("filtering reads no more than a stride behind its lines and writes no more than its samples",
          "[simd][resampler]") {
  std::mt19937 random(test_seed());
  for (const int stride : {8, 16, 32, 48, 96})
    for (const int outputs : {1, 2, 3, 4, 5, 7, 8, 33}) {
      const int width = outputs + draw(random, 0, 50);
      std::vector<std::int32_t> first(static_cast<std::size_t>(outputs)), count(first.size(), stride);
      for (auto& f : first) f = draw(random, 0, width - 1);
      first.back() = width - 1;
      std::vector<std::int16_t> weights(first.size() * static_cast<std::size_t>(stride));
      // Weights that sum to no more than 1 << shift in 32 taps keep a block within 32 bits.
      for (auto& w : weights) w = static_cast<std::int16_t>(draw(random, -500, 1000));
      const kernels::Windows<std::int16_t> windows{
          first.data(), count.data(), weights.data(), stride, 15, 0, outputs, 0};
      std::vector<std::unique_ptr<GuardedBytes>> memory;
      std::array<const std::int16_t*, kernels::kLines8> lines;
      for (auto& line : lines) {
        const auto samples = static_cast<std::size_t>(width + stride);
        memory.push_back(std::make_unique<GuardedBytes>(2 * samples));
        auto* const to = reinterpret_cast<std::int16_t*>(memory.back()->data());
        std::generate_n(to, samples, [&] { return static_cast<std::int16_t>(draw(random, -8000, 24000)); });
        line = to;
      }
      check_each_target([&] {
        std::array<std::unique_ptr<GuardedBytes>, kernels::kLines8> results;
        std::array<std::uint8_t*, kernels::kLines8> out;
        for (std::size_t l = 0; l < out.size(); ++l) {
          results[l] = std::make_unique<GuardedBytes>(static_cast<std::size_t>(outputs));
          out[l] = results[l]->data();
        }
        kernels::filter_u8(lines.data(), windows, out.data());
        std::string all;
        for (std::size_t l = 0; l < out.size(); ++l) {
          for (int i = 0; i < outputs; ++i) {
            const std::int16_t* from = lines[l] + first[static_cast<std::size_t>(i)];
            const std::int64_t sum = std::inner_product(from, from + stride, windows.of(i), std::int64_t{1} << 20);
            if (out[l][i] != std::clamp<std::int64_t>(sum >> 21, 0, 255)) FAIL("wrong at " << i);
          }
          all += text(out[l], static_cast<std::size_t>(outputs));
        }
        return all;
      });
    }
}

TEST_CASE("three planes are woven to pixels by every instruction set", "[simd][resampler]") {
  std::mt19937 random(test_seed());
  for (int pixels = 1; pixels < 100; ++pixels) {
    const auto size = static_cast<std::size_t>(pixels);
    const GuardedBytes a(size), b(size), c(size), out(3 * size);
    for (const GuardedBytes* plane : {&a, &b, &c})
      std::generate_n(plane->data(), size, [&] { return static_cast<std::uint8_t>(draw(random, 0, 255)); });
    const std::array<const std::uint8_t*, 3> planes{a.data(), b.data(), c.data()};
    check_each_target([&] {
      kernels::weave_u8(planes.data(), pixels, out.data());
      for (int x = 0; x < pixels; ++x)
        for (int p = 0; p < 3; ++p)
          if (out.data()[3 * x + p] != planes[static_cast<std::size_t>(p)][x]) FAIL("wrong at " << x);
      return text(out.data(), 3 * size);
    });
  }
}
