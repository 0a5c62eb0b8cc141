// Files that end early, bits that flip, headers that lie: an ImageError or pixels, in bounded time, and nothing else.
#include <algorithm>
#include <catch2/catch.hpp>

#include "stages/codecs/byte_io.h"
#include "tests/stages/codecs/other_files.h"
#include "tests/stages/codecs/plain_tiff.h"

using namespace tessera::stages;
using namespace tessera::tests;
using Catch::Matchers::Contains;

namespace {

struct NamedFile {
  const char* name;
  Bytes bytes;
};

Bytes our_tiff(const std::vector<Values::Pair>& settings) {
  std::mt19937 random(11);
  Metadata metadata;
  metadata.emplace_back("exif", camera_exif(true, 1));
  metadata.emplace_back("icc", profile(3000, "RGB "));
  return encode("tiff", picture(random, 160, 120, {Model::bgr, Depth::u8, false}), settings, metadata);
}

Bytes our_pnm(bool alpha) {
  std::mt19937 random(12);
  return encode("pnm", picture(random, 160, 120, {Model::bgr, Depth::u16, alpha}));
}

std::vector<NamedFile> whole_files() {
  const Bytes exif = camera_exif(true, 6);
  Bytes segment = to_bytes(std::string_view("Exif\0\0", 6));
  segment.insert(segment.end(), exif.begin(), exif.end());
  return {
      {"baseline JPEG",
       plain_jpeg(
           {.width = 160, .height = 120, .color = PlainColor::ycbcr, .h = 2, .v = 2, .markers = {{0xE1, segment}}})},
      {"baseline JPEG with restarts", plain_jpeg({.width = 160, .height = 120, .restart_rows = 1})},
      {"progressive JPEG",
       plain_jpeg({.width = 160, .height = 120, .color = PlainColor::ycbcr, .progressive = true, .h = 2, .v = 2})},
      {"arithmetic JPEG", plain_jpeg({.width = 160, .height = 120, .color = PlainColor::ycbcr, .arithmetic = true})},
      {"PNG", with_png_chunk(plain_png({160, 120, 2, 8, false, false, true}), "eXIf", exif, true)},
      {"palette PNG", plain_png({160, 120, 3, 4, false, true, true})},
      {"compressed PNG", plain_png({160, 120, 2, 8})},
      {"interlaced PNG", plain_png({160, 120, 6, 16, true})},
      {"PPM", our_pnm(false)},
      {"PAM", our_pnm(true)},
      {"TIFF", our_tiff({})},
      {"tiled TIFF", our_tiff({{"tile", "64"}})},
      {"LZW TIFF", our_tiff({{"compression", "lzw"}})},
      {"tiled deflate TIFF", our_tiff({{"compression", "deflate"}, {"tile", "64"}})},
  };
}

void finish_only(const Bytes& file) {
  MemorySource source(file);
  const Header header = probe(source);
  codecs()[header.codec]->decode(source, {})->finish();
}

Bytes first_bytes(const Bytes& file, std::size_t count) {
  return {file.begin(), file.begin() + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace

TEST_CASE("a whole file decodes under every fail-on", "[damage]") {
  for (const NamedFile& file : whole_files()) {
    INFO(file.name);
    for (const FailOn fail_on : {FailOn::none, FailOn::truncated, FailOn::warning})
      CHECK_NOTHROW(decode(file.bytes, {.fail_on = fail_on}));
    CHECK_NOTHROW(finish_only(file.bytes));
  }
}

TEST_CASE("a file cut anywhere fails, through read() and through finish() alone", "[damage]") {
  for (const NamedFile& file : whole_files()) {
    std::vector<std::size_t> cuts{1, file.bytes.size() - 1, file.bytes.size() - 2};
    for (std::size_t percent = 0; percent < 100; ++percent) cuts.push_back(file.bytes.size() * percent / 100);
    for (const std::size_t cut : cuts) {
      CAPTURE(file.name, cut, file.bytes.size());
      const Bytes part = first_bytes(file.bytes, cut);
      CHECK_THROWS_AS(decode(part), ImageError);
      CHECK_THROWS_AS(decode(part, {.fail_on = FailOn::warning}), ImageError);
      CHECK_THROWS_AS(finish_only(part), ImageError);
      if (probe_bytes(file.bytes).planar) CHECK_THROWS_AS(decode(part, {.scale_log2 = 1, .planar = true}), ImageError);
    }
  }
}

TEST_CASE("the sentence says how many rows there were, and what helps", "[damage]") {
  const Bytes jpeg = plain_jpeg({.width = 160, .height = 120});
  CHECK_THROWS_WITH(decode(first_bytes(jpeg, jpeg.size() - 1)),
                    "truncated JPEG: the file ends after 120 of 120 rows; --fail-on none decodes what is there");
  CHECK_THROWS_WITH(decode(first_bytes(jpeg, jpeg.size() * 3 / 4)), Contains(" of 120 rows; --fail-on none"));
  CHECK_THROWS_WITH(decode(first_bytes(jpeg, 100)), "truncated JPEG: the file ends in its header");
  const Bytes progressive = plain_jpeg({.width = 160, .height = 120, .progressive = true});
  CHECK_THROWS_WITH(decode(first_bytes(progressive, progressive.size() - 2)), Contains("the file ends in scan"));
  const Bytes png = plain_png({160, 120, 2, 8, false, false, true});
  CHECK_THROWS_WITH(decode(first_bytes(png, png.size() - 20)), Contains("truncated PNG: the file ends after 1"));
  CHECK_THROWS_WITH(decode(first_bytes(png, 30)), "truncated PNG: the file ends in its header");
}

TEST_CASE("an end marker amid the picture counts as truncation", "[damage]") {
  Bytes jpeg = plain_jpeg({.width = 160, .height = 120, .color = PlainColor::ycbcr});
  jpeg.resize(jpeg.size() * 3 / 4);
  jpeg.push_back(std::byte{0xFF}), jpeg.push_back(std::byte{0xD9});
  CHECK_THROWS_WITH(decode(jpeg), Contains("truncated JPEG"));
  CHECK_NOTHROW(decode(jpeg, {.fail_on = FailOn::none}));
}

TEST_CASE("with fail-on none the rows that are there come out unchanged", "[damage]") {
  for (const NamedFile& file : whole_files()) {
    CAPTURE(file.name);
    if (std::string_view(file.name) == "compressed PNG") continue;  // its rows all end in the last few bytes
    const std::string_view name(file.name);
    if (name == "LZW TIFF" || name == "tiled deflate TIFF") continue;  // their directory is at the end
    const OwnedImage whole = decode(file.bytes);
    const OwnedImage part = decode(first_bytes(file.bytes, file.bytes.size() * 9 / 10), {.fail_on = FailOn::none});
    const auto row_bytes = whole.view().plane().width * whole.info().format.pixel_bytes();
    const auto same_row = [&](int y) {
      const auto *a = whole.view().plane().row<std::uint8_t>(y), *b = part.view().plane().row<std::uint8_t>(y);
      return std::equal(a, a + row_bytes, b);
    };
    if (!probe_bytes(file.bytes).progressive)
      for (int y = 0; y < 60; ++y) REQUIRE(same_row(y));
    CHECK_FALSE(same_pixels(whole, part));
  }
}

TEST_CASE("fail-on warning refuses what libjpeg repairs", "[damage]") {
  Bytes jpeg = plain_jpeg({.width = 160, .height = 120, .restart_rows = 1});
  for (std::size_t i = jpeg.size() / 2; i < jpeg.size() - 2; ++i)
    if (jpeg[i] == std::byte{0xFF} && std::to_integer<int>(jpeg[i + 1]) / 8 == 0xD0 / 8) {
      jpeg[i + 1] ^= std::byte{1};  // a restart marker out of turn
      break;
    }
  CHECK_NOTHROW(decode(jpeg));
  CHECK_THROWS_AS(decode(jpeg, {.fail_on = FailOn::warning}), ImageError);
}

TEST_CASE("a wrong checksum in a PNG's picture is an error", "[damage]") {
  Bytes png = plain_png({160, 120, 2, 8});
  png[png.size() - 14] ^= std::byte{1};  // the last byte of IDAT's CRC is 13 before the end
  CHECK_THROWS_AS(decode(png), ImageError);
  CHECK_THROWS_AS(finish_only(png), ImageError);
  CHECK_NOTHROW(decode(png, {.fail_on = FailOn::none}));
}

TEST_CASE("what probing left out of a damaged header stays out, whatever fail-on says", "[damage]") {
  Bytes png = plain_png({20, 10, 2, 8, false, true});
  const Bytes type = to_bytes("tRNS");
  const auto chunk = std::search(png.begin(), png.end(), type.begin(), type.end());
  REQUIRE(chunk != png.end());
  *(chunk + 5) ^= std::byte{1};
  CHECK_FALSE(probe_bytes(png).full.format.alpha);
  for (const FailOn fail_on : {FailOn::none, FailOn::truncated}) CHECK_NOTHROW(decode(png, {.fail_on = fail_on}));
  CHECK_THROWS_AS(decode(png, {.fail_on = FailOn::warning}), ImageError);
}

TEST_CASE("flipped bits give pixels or an ImageError", "[damage]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto pick = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  int decoded = 0, failed = 0;
  for (const NamedFile& file : whole_files())
    for (int i = 0; i < 700; ++i) {
      Bytes flipped = file.bytes;
      for (std::size_t n = 1 + pick(4); n > 0; --n)
        flipped[pick(i % 2 ? flipped.size() : std::min<std::size_t>(700, flipped.size()))] ^=
            static_cast<std::byte>(1 << pick(8));
      try {
        const Header header = probe_bytes(flipped);
        if (std::int64_t{header.full.width} * header.full.height > 4'000'000) continue;  // as --max-pixels would
        const DecodeRequest request{.scale_log2 = static_cast<std::uint8_t>(pick(header.max_scale_log2 + 1u)),
                                    .fail_on = i % 3 ? FailOn::truncated : FailOn::none,
                                    .planar = header.planar && pick(2)};
        decode(flipped, request, &random);
        metadata_of(flipped);
        ++decoded;
      } catch (const ImageError& error) {
        REQUIRE_FALSE(std::string(error.what()).empty());
        ++failed;
      }
    }
  CHECK(decoded > 100);
  CHECK(failed > 100);
}

TEST_CASE("a JPEG of endless scans is refused", "[damage]") {
  const Bytes file = plain_jpeg({.width = 16, .height = 16, .color = PlainColor::gray, .progressive = true});
  std::size_t last_scan = 0;
  for (std::size_t i = 0; i + 1 < file.size(); ++i)
    if (file[i] == std::byte{0xFF} && file[i + 1] == std::byte{0xDA}) last_scan = i;
  Bytes scan(file.begin() + static_cast<std::ptrdiff_t>(last_scan), file.end() - 2);
  Bytes many = first_bytes(file, file.size() - 2);
  const auto repeated = [&](int times) {
    Bytes out = many;
    for (int i = 0; i < times; ++i) out.insert(out.end(), scan.begin(), scan.end());
    out.insert(out.end(), file.end() - 2, file.end());
    return out;
  };
  CHECK_NOTHROW(decode(repeated(100)));
  CHECK_THROWS_WITH(decode(repeated(600)), Contains("500 scans"));
}

TEST_CASE("headers that promise more than the file can hold are refused before memory is taken", "[damage]") {
  Bytes jpeg = plain_jpeg({.width = 16, .height = 16, .color = PlainColor::gray, .progressive = true});
  for (std::size_t i = 0; i + 8 < jpeg.size(); ++i)
    if (jpeg[i] == std::byte{0xFF} && jpeg[i + 1] == std::byte{0xC2}) {
      jpeg[i + 5] = jpeg[i + 7] = std::byte{0xFF};
      jpeg[i + 6] = jpeg[i + 8] = std::byte{0xDC};  // 65500
    }
  MemorySource source(jpeg);
  CHECK(probe(source).full.width == 65500);
  CHECK_THROWS_WITH(find_codec("jpeg")->decode(source, {}), Contains("cannot hold 65500 x 65500 pixels"));

  Bytes endless = first_bytes(jpeg, 2);
  Bytes segment(65537, std::byte{'x'});
  segment[0] = std::byte{0xFF}, segment[1] = std::byte{0xE2}, segment[2] = segment[3] = std::byte{0xFF};
  for (int i = 0; i < 520; ++i) endless.insert(endless.end(), segment.begin(), segment.end());
  CHECK_THROWS_WITH(probe_bytes(endless), Contains("header is larger than 32 MiB"));
}
