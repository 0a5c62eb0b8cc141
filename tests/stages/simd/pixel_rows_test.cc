#include "stages/simd/pixel_rows.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/stages/simd/each_target.h"

using namespace tessera::tests;
namespace pixel_rows = tessera::stages::pixel_rows;

namespace {

void fill(const GuardedBytes& bytes, int count, std::mt19937& random) {
  std::generate_n(bytes.data(), count,
                  [&] { return static_cast<std::uint8_t>(std::uniform_int_distribution(0, 255)(random)); });
}

std::string text(const GuardedBytes& bytes, int count) {
  return {reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(count)};
}

}  // namespace

TEST_CASE("every instruction set averages two by two samples, half up, and touches no byte behind the rows", "[simd]") {
  std::mt19937 random(test_seed());
  for (int count = 1; count < 140; ++count) {
    const auto size = static_cast<std::size_t>(count);
    const GuardedBytes above(2 * size), below(2 * size), out(size);
    fill(above, 2 * count, random), fill(below, 2 * count, random);
    if (count % 7 == 0) std::fill_n(above.data(), 2 * count, 255), std::fill_n(below.data(), 2 * count, 255);
    check_each_target([&] {
      pixel_rows::average_2x2(above.data(), below.data(), count, out.data());
      for (int i = 0; i < count; ++i) {
        const std::uint8_t *a = above.data() + 2 * i, *b = below.data() + 2 * i;
        if (out.data()[i] != (a[0] + a[1] + b[0] + b[1] + 2) / 4) FAIL("wrong at " << i << " of " << count);
      }
      return text(out, count);
    });
  }
}

TEST_CASE("every instruction set makes the same colours of all luma and chroma, without a byte too many", "[simd]") {
  std::mt19937 random(test_seed());
  for (int count = 1; count < 100; ++count) {
    const auto size = static_cast<std::size_t>(count);
    const GuardedBytes y(size), cb(size), cr(size), out(3 * size);
    for (const GuardedBytes* plane : {&y, &cb, &cr}) fill(*plane, count, random);
    check_each_target([&] {
      pixel_rows::ycbcr_to_bgr(y.data(), cb.data(), cr.data(), count, out.data());
      for (int i = 0; i < count; ++i) {
        // JFIF's equations; fixed point may be off by rounding alone.
        const double luma = y.data()[i], b = cb.data()[i] - 128.0, r = cr.data()[i] - 128.0;
        const double expected[]{luma + 1.772 * b, luma - 0.344136 * b - 0.714136 * r, luma + 1.402 * r};
        for (int c = 0; c < 3; ++c)
          if (std::abs(out.data()[3 * i + c] - std::clamp(expected[c], 0.0, 255.0)) > 0.51)
            FAIL("wrong at " << i << " of " << count);
      }
      return text(out, 3 * count);
    });
  }
}
