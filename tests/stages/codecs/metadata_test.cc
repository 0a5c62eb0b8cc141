#include "stages/codecs/metadata.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/stages/codecs/codec_testing.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {
bool contains(const Bytes& bytes, const Bytes& part) {
  return std::search(bytes.begin(), bytes.end(), part.begin(), part.end()) != bytes.end();
}
}  // namespace

TEST_CASE("orientation is read in both byte orders; nonsense is 1", "[metadata]") {
  for (const bool big : {false, true}) {
    for (std::uint16_t o = 1; o <= 8; ++o) CHECK(exif_orientation(camera_exif(big, o)) == o);
    CHECK(exif_orientation(camera_exif(big, 0)) == 1);
    CHECK(exif_orientation(camera_exif(big, 9)) == 1);
    CHECK(exif_orientation(camera_exif(big, 0x0600)) == 1);
  }
  CHECK(exif_orientation({}) == 1);
  CHECK(exif_orientation(to_bytes("II*")) == 1);
}

TEST_CASE("a cleaned EXIF has orientation 1, no thumbnail byte, and everything else in its place", "[metadata]") {
  for (const bool big : {false, true}) {
    const Bytes exif = camera_exif(big, 6);
    const Bytes clean = cleaned_exif(exif);
    CHECK(exif_orientation(clean) == 1);
    CHECK(clean.size() == 130);  // cut where the thumbnail began
    CHECK(std::ranges::count(clean, std::byte{0x77}) == 0);
    CHECK(contains(clean, to_bytes("(c) tester")));
    const auto maker_note = [](const Bytes& b) { return Bytes(b.begin() + 80, b.begin() + 100); };
    CHECK(maker_note(clean) == maker_note(exif));
    const Bytes link(clean.begin() + 46, clean.begin() + 50);
    CHECK(link == Bytes(4));
    CHECK(cleaned_exif(clean) == clean);
  }
}

TEST_CASE("a thumbnail amid the block is overwritten, what follows it stays", "[metadata]") {
  Bytes exif = camera_exif(false, 3);
  const Bytes tail = to_bytes("data of a maker note");
  exif.insert(exif.end(), tail.begin(), tail.end());
  const Bytes clean = cleaned_exif(exif);
  CHECK(clean.size() == exif.size());
  CHECK(std::ranges::count(clean, std::byte{0x77}) == 0);
  CHECK(contains(clean, tail));
}

TEST_CASE("hostile EXIF ends, stays inside its block and cannot damage the live part", "[metadata]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto pick = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  for (int i = 0; i < 20000; ++i) {
    Bytes exif = camera_exif(pick(2) != 0, 6, pick(40));
    for (std::size_t n = 1 + pick(6); n > 0; --n) {
      // Directory counts, offsets and types; values that are near each other make loops and overlaps likely.
      const std::byte values[] = {std::byte{0},
                                  std::byte{8},
                                  std::byte{50},
                                  std::byte{62},
                                  std::byte{100},
                                  std::byte{0xFF},
                                  static_cast<std::byte>(pick(256))};
      exif[4 + pick(exif.size() - 4)] = values[pick(std::size(values))];
    }
    exif.resize(exif.size() - pick(exif.size()));
    const Bytes clean = cleaned_exif(exif);
    REQUIRE(clean.size() <= exif.size());
    REQUIRE(exif_orientation(clean) == 1);
  }
  // Directories that point at themselves, and a count of 65535.
  Bytes loop = camera_exif(false, 6);
  loop[46] = std::byte{8};  // IFD0's next is IFD0
  loop[42] = std::byte{8};  // its Exif directory too
  CHECK(exif_orientation(cleaned_exif(loop)) == 1);
  CHECK(contains(cleaned_exif(loop), to_bytes("(c) tester")));
  loop[8] = loop[9] = std::byte{0xFF};
  CHECK(exif_orientation(cleaned_exif(loop)) == 1);
}

TEST_CASE("density travels as twelve bytes", "[metadata]") {
  const Density density{2835, 11811, Density::Unit::per_metre};
  CHECK(density_block(density).size() == 12);
  CHECK(parse_density(density_block(density)) == density);
  CHECK_FALSE(parse_density({}));
  CHECK_FALSE(parse_density(density_block({0, 1, Density::Unit::per_metre})));
  CHECK_FALSE(parse_density(density_block({1, 1, static_cast<Density::Unit>(2)})));
}

TEST_CASE("a profile counts only for its own kind of pixels", "[metadata]") {
  const Bytes rgb = profile(500, "RGB "), gray = profile(500, "GRAY"), cmyk = profile(500, "CMYK");
  CHECK(profile_fits(rgb, Model::bgr));
  CHECK(profile_fits(rgb, Model::ycbcr_planar));
  CHECK_FALSE(profile_fits(rgb, Model::gray));
  CHECK(profile_fits(gray, Model::gray));
  CHECK_FALSE(profile_fits(gray, Model::bgr));
  CHECK_FALSE(profile_fits(cmyk, Model::bgr));
  CHECK_FALSE(profile_fits(ReadBytes(rgb).first(131), Model::bgr));
  CHECK(profile_id({}) == 0);
  CHECK(profile_id(rgb) != profile_id(gray));
}
