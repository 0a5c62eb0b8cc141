#include <catch2/catch.hpp>
#include <cmath>

#include "stages/codecs/byte_io.h"
#include "stages/source.h"
#include "tests/stages/codecs/other_files.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

constexpr PixelFormat kBgr{Model::bgr, Depth::u8, false}, kGray{Model::gray, Depth::u8, false};

// RGB or gray pixels against our BGR or gray rows.
bool matches(const PlainPixels& plain, const OwnedImage& image) {
  const auto plane = image.view().plane();
  if (plane.width != plain.width || plane.height != plain.height) return false;
  if (image.info().format.channels() != plain.channels) return false;
  for (int y = 0; y < plain.height; ++y)
    for (int i = 0; i < plain.width * plain.channels; ++i) {
      const int ours = plain.channels == 3 ? i / 3 * 3 + 2 - i % 3 : i;
      if (plane.row<std::uint8_t>(y)[ours] !=
          plain.samples[static_cast<std::size_t>(y * plain.width * plain.channels + i)])
        return false;
    }
  return true;
}

struct Sampling {
  std::uint8_t x, y;
};
constexpr Sampling kSamplings[] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}, {2, 0}, {2, 1}};

}  // namespace

TEST_CASE("rows are bit-identical to libjpeg's own, at every scale, for every way of asking", "[jpeg]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::vector<PlainJpeg> specs{
      {.width = 1, .height = 1, .color = PlainColor::ycbcr, .h = 2, .v = 2},
      {.width = 533, .height = 401, .color = PlainColor::ycbcr, .h = 2, .v = 2},
      {.width = 131, .height = 67, .color = PlainColor::ycbcr, .progressive = true, .h = 2, .v = 1},
      {.width = 67, .height = 131, .color = PlainColor::ycbcr, .h = 4, .v = 1},
      {.width = 50, .height = 77, .color = PlainColor::ycbcr, .h = 2, .v = 2, .h2 = 1, .v2 = 2},
      {.width = 90, .height = 33, .color = PlainColor::rgb},
      {.width = 90, .height = 33, .color = PlainColor::gray, .h = 2, .v = 2},
      {.width = 64, .height = 130, .color = PlainColor::ycbcr, .arithmetic = true, .h = 1, .v = 2, .restart_rows = 1},
  };
  for (std::size_t i = 0; i < specs.size(); ++i)
    for (std::uint8_t scale = 0; scale <= 3; ++scale) {
      CAPTURE(i, int(scale));
      const Bytes file = plain_jpeg(specs[i]);
      const PlainColor color = specs[i].color == PlainColor::gray ? PlainColor::gray : PlainColor::rgb;
      const OwnedImage image = decode(file, {.scale_log2 = scale}, &random);
      CHECK(image.info().width == specs[i].width);
      CHECK(matches(plain_jpeg_decode(file, color, 1u << scale), image));
    }
}

TEST_CASE("planes hold libjpeg's luma and chroma, without padding", "[jpeg]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 8}, {17, 33}, {101, 67}, {160, 96}})
    for (const Sampling sampling : kSamplings)
      for (const bool progressive : {false, true}) {
        CAPTURE(width, height, int(sampling.x), int(sampling.y), progressive);
        const Bytes file = plain_jpeg({.width = width,
                                       .height = height,
                                       .color = PlainColor::ycbcr,
                                       .progressive = progressive,
                                       .h = 1 << sampling.x,
                                       .v = 1 << sampling.y});
        const Header header = probe_bytes(file);
        REQUIRE(header.planar);
        CHECK(header.progressive == progressive);
        CHECK(header.chroma_log2 == std::array{sampling.x, sampling.y});
        const OwnedImage image = decode(file, {.planar = true}, &random);
        CHECK(image.info().grid[1] == Grid{sampling.x, sampling.y});
        const PlainPixels plain = plain_jpeg_decode(file, PlainColor::ycbcr_replicated);
        for (int p = 0; p < 3; ++p)
          for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x) {
              const int sx = p == 0 ? x : x >> sampling.x, sy = p == 0 ? y : y >> sampling.y;
              REQUIRE(image.view().plane(p).row<std::uint8_t>(sy)[sx] ==
                      plain.samples[static_cast<std::size_t>((y * width + x) * 3 + p)]);
            }
      }
}

TEST_CASE("scaled planes keep the announced grid: 4:2:0 chroma is averaged down over real samples", "[jpeg]") {
  std::mt19937 random(7);
  for (const auto& [width, height] : {std::pair{1, 1}, {21, 35}, {101, 67}, {160, 96}})
    for (int s = 1; s <= 3; ++s) {
      CAPTURE(width, height, s);
      const Bytes file = plain_jpeg({.width = width, .height = height, .color = PlainColor::ycbcr, .h = 2, .v = 2});
      const auto scale = static_cast<std::uint8_t>(s);
      const OwnedImage image = decode(file, {.scale_log2 = scale, .planar = true}, &random);
      const auto coarse = static_cast<std::uint8_t>(s + 1);
      REQUIRE(image.info().grid[0] == Grid{scale, scale});
      REQUIRE(image.info().grid[2] == Grid{coarse, coarse});
      // libjpeg scales each component by itself: its YCbCr output has all three at luma's size.
      const PlainPixels plain = plain_jpeg_decode(file, PlainColor::ycbcr, 1u << s);
      const auto at = [&](int x, int y, int p) {
        return int{plain.samples[static_cast<std::size_t>((y * plain.width + x) * 3 + p)]};
      };
      for (int p = 0; p < 3; ++p) {
        const auto plane = image.view().plane(p);
        for (int y = 0; y < plane.height; ++y)
          for (int x = 0; x < plane.width; ++x) {
            int sum = 0, count = 0;
            const int n = p == 0 ? 1 : 2;
            for (int j = y * n; j < std::min(y * n + n, plain.height); ++j)
              for (int i = x * n; i < std::min(x * n + n, plain.width); ++i) sum += at(i, j, p), ++count;
            REQUIRE(int{plane.row<std::uint8_t>(y)[x]} == (sum + count / 2) / count);
          }
      }
    }
}

TEST_CASE("scaled planes of the other samplings have their grids and differ little from averaged full ones", "[jpeg]") {
  std::mt19937 random(3);
  for (const Sampling sampling : kSamplings)
    for (std::uint8_t scale = 1; scale <= 3; ++scale) {
      CAPTURE(int(sampling.x), int(sampling.y), int(scale));
      const Bytes file = plain_jpeg(
          {.width = 203, .height = 149, .color = PlainColor::ycbcr, .h = 1 << sampling.x, .v = 1 << sampling.y});
      const OwnedImage full = decode(file, {.planar = true});
      const OwnedImage small = decode(file, {.scale_log2 = scale, .planar = true}, &random);
      for (int p = 0; p < 3; ++p) {
        const auto from = full.view().plane(p), to = small.view().plane(p);
        const int n = 1 << scale;
        double difference = 0;
        for (int y = 0; y < to.height; ++y)
          for (int x = 0; x < to.width; ++x) {
            int sum = 0, count = 0;
            for (int j = y * n; j < std::min(y * n + n, from.height); ++j)
              for (int i = x * n; i < std::min(x * n + n, from.width); ++i)
                sum += from.row<std::uint8_t>(j)[i], ++count;
            REQUIRE(count > 0);
            difference += std::abs(double(sum) / count - to.row<std::uint8_t>(y)[x]);
          }
        CHECK(difference / (to.width * to.height) < 1.5);
      }
    }
}

TEST_CASE("encoded bytes do not depend on bands, and decode to nearly the same picture", "[jpeg]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::vector<std::vector<Values::Pair>> settings{
      {{"quality", "95"}, {"subsampling", "4:4:4"}},
      {{"quality", "95"}, {"subsampling", "4:2:2"}, {"optimize", "true"}},
      {{"quality", "95"}, {"subsampling", "4:2:0"}, {"progressive", "true"}}};
  for (const PixelFormat format : {kBgr, kGray})
    for (const auto& [width, height] : {std::pair{1, 1}, {3, 8}, {133, 101}})
      for (const auto& given : settings) {
        ImageInfo info{width, height, format, {}, 0};
        OwnedImage image(info);  // smooth, so that a right picture comes back near
        for (int y = 0; y < height; ++y)
          for (int x = 0; x < width * format.channels(); ++x)
            image.view().plane().row<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(30 + x / format.channels() + y);
        const Bytes whole = encode("jpeg", image, given), banded = encode("jpeg", image, given, {}, &random);
        CHECK(whole == banded);
        CHECK(mean_difference(image, decode(whole, {}, &random)) < 2);
        const Header header = probe_bytes(whole);
        CHECK(header.full == info);
        CHECK(header.progressive == (given.back().first == "progressive"));
        if (format == kBgr)
          CHECK(header.chroma_log2 == (given[1].second == "4:4:4"   ? std::array<std::uint8_t, 2>{0, 0}
                                       : given[1].second == "4:2:2" ? std::array<std::uint8_t, 2>{1, 0}
                                                                    : std::array<std::uint8_t, 2>{1, 1}));
      }
}

TEST_CASE("planes go in and come out in every sampling, whatever the bands", "[jpeg]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const Sampling sampling : kSamplings)
    for (const auto& [width, height] : {std::pair{1, 1}, {5, 3}, {16, 16}, {133, 101}}) {
      CAPTURE(int(sampling.x), int(sampling.y), width, height);
      const OwnedImage image = planar_picture(random, width, height, sampling.x, sampling.y);
      const std::vector<Values::Pair> best{{"quality", "100"}};
      const Bytes file = encode("jpeg", image, best);
      CHECK(file == encode("jpeg", image, best, {}, &random));
      const OwnedImage back = decode(file, {.planar = true}, &random);
      REQUIRE(back.info() == image.info());
      CHECK(mean_difference(image, back) < 0.6);
      // The file says the sampling of the planes, and any reader of JPEG agrees on its size.
      CHECK(plain_jpeg_decode(file, PlainColor::rgb).width == width);
    }
}

TEST_CASE("planes are padded to whole blocks as libjpeg pads rows", "[jpeg]") {
  std::mt19937 random(11);
  for (const auto& [width, height] : {std::pair{1, 1}, {5, 3}, {16, 16}, {33, 17}, {133, 101}}) {
    const OwnedImage image = planar_picture(random, width, height, 0, 0);
    CHECK(encode("jpeg", image, {{"quality", "90"}}, {}, &random) == plain_jpeg_of(image, 90));
  }
}

TEST_CASE("quality and optimised tables change the size in the right direction", "[jpeg]") {
  std::mt19937 random(5);
  const OwnedImage image = picture(random, 200, 150, kBgr);
  const auto size = [&](const std::vector<Values::Pair>& given) { return encode("jpeg", image, given).size(); };
  CHECK(size({{"quality", "30"}}) < size({}));
  CHECK(size({}) < size({{"quality", "95"}}));
  CHECK(size({{"optimize", "true"}}) < size({}));
  CHECK(same_pixels(decode(encode("jpeg", image, {{"optimize", "true"}})), decode(encode("jpeg", image))));
}

TEST_CASE("CMYK and YCCK become BGR by multiplying, inverted when Adobe wrote them", "[jpeg]") {
  for (const bool ycck : {false, true})
    for (const bool adobe : {false, true}) {
      if (ycck && !adobe) continue;  // YCCK is known by Adobe's marker alone
      const Bytes file =
          plain_jpeg({.width = 40, .height = 30, .color = PlainColor::cmyk, .ycck = ycck, .adobe = adobe});
      const PlainPixels inks = plain_jpeg_decode(file, PlainColor::cmyk);
      CHECK_FALSE(probe_bytes(file).planar);
      const OwnedImage image = decode(file);
      REQUIRE(image.info().format == kBgr);
      for (int y = 0; y < 30; ++y)
        for (int x = 0; x < 40; ++x)
          for (int c = 0; c < 3; ++c) {
            const auto ink = [&](int i) {
              const int v = inks.samples[static_cast<std::size_t>((y * 40 + x) * 4 + i)];
              return adobe ? v : 255 - v;
            };
            const long expected = std::lround(ink(2 - c) * ink(3) / 255.0);
            REQUIRE(long{image.view().plane().row<std::uint8_t>(y)[x * 3 + c]} == expected);
          }
    }
}

TEST_CASE("a decoder behind a ring gives the pixels of the whole image", "[jpeg][source]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (const bool planar : {false, true})
    for (std::uint8_t scale = 0; scale <= 3; ++scale)
      for (const Sampling sampling : kSamplings) {
        CAPTURE(planar, int(scale), int(sampling.x), int(sampling.y));
        const Bytes file = plain_jpeg(
            {.width = 203, .height = 319, .color = PlainColor::ycbcr, .h = 1 << sampling.x, .v = 1 << sampling.y});
        const DecodeRequest request{.scale_log2 = scale, .planar = planar};
        const OwnedImage whole = decode(file, request);
        MemorySource bytes(file);
        const Codec& codec = *find_codec("jpeg");
        const Traits traits = codec.decode_traits(codec.probe(bytes), request);
        const auto decoder = codec.decode(bytes, request);
        const int ring_rows = pick(1, 90);
        std::vector<std::byte> memory(DecoderSource::ring_bytes(traits, ring_rows) + 64);
        auto* start = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(memory.data()) + 63) / 64 * 64);
        DecoderSource source(*decoder, traits, traits.info.bounds(), WriteBytes(start, memory.size() - 64), ring_rows);
        for (int y0 = 0; y0 < 319; y0 += pick(0, 60)) {
          const Region region{pick(0, 100), y0, pick(101, 203), std::min(319, y0 + pick(1, ring_rows))};
          const View fetched = source.fetch(region);
          for (int p = 0; p < traits.info.format.planes(); ++p) {
            const auto a = sub_view(traits.info, fetched, region).plane(p),
                       b = sub_view(traits.info, whole.view(), region).plane(p);
            REQUIRE(a.width == b.width);
            REQUIRE(a.height == b.height);
            for (int y = 0; y < a.height; ++y)
              REQUIRE(std::equal(a.row<std::uint8_t>(y),
                                 a.row<std::uint8_t>(y) + a.width * traits.info.format.pixel_bytes(),
                                 b.row<std::uint8_t>(y)));
          }
        }
        decoder->finish();
      }
}
