#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "stages/codecs/byte_io.h"
#include "tests/stages/codecs/codec_testing.h"

using namespace tessera::stages;
using namespace tessera::tests;
using Catch::Matchers::Contains;

namespace {

Bytes file_of(const std::string& header, const std::vector<unsigned>& pixels) {
  Bytes bytes = to_bytes(header);
  for (const unsigned p : pixels) bytes.push_back(static_cast<std::byte>(p));
  return bytes;
}

std::vector<unsigned> samples_of(const Bytes& file) {
  const OwnedImage image = decode(file, {.fail_on = FailOn::warning});
  std::vector<unsigned> samples;
  const auto plane = image.view().plane();
  for (int y = 0; y < plane.height; ++y)
    for (int i = 0; i < plane.width * image.info().format.channels(); ++i)
      samples.push_back(image.info().format.depth == Depth::u16 ? plane.row<std::uint16_t>(y)[i]
                                                                : plane.row<std::uint8_t>(y)[i]);
  return samples;
}

}  // namespace

TEST_CASE("PNM files written by hand decode to what the standard says", "[pnm]") {
  using Samples = std::vector<unsigned>;
  CHECK(samples_of(file_of("P5\n2 2\n255\n", {1, 2, 3, 4})) == Samples{1, 2, 3, 4});
  CHECK(samples_of(file_of("P6 1 2 255\n", {1, 2, 3, 4, 5, 6})) == Samples{3, 2, 1, 6, 5, 4});
  CHECK(samples_of(file_of("P5\n# a comment\n2 # another\n1\n65535\n", {1, 2, 255, 255})) == Samples{0x102, 0xFFFF});
  CHECK(samples_of(file_of("P4\n10 1\n", {0b10110000, 0b01000000})) ==
        Samples{0, 255, 0, 0, 255, 255, 255, 255, 255, 0});
  CHECK(samples_of(file_of("P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n", {1, 2, 3, 4})) ==
        Samples{3, 2, 1, 4});
  CHECK(samples_of(file_of("P7\nDEPTH 2\nWIDTH 1\nHEIGHT 1\nTUPLTYPE GRAYSCALE_ALPHA\nMAXVAL 255\n#x\nENDHDR\n",
                           {7, 9})) == Samples{7, 9});
}

TEST_CASE("a largest value that is not the type's is scaled, rounded to the nearest level", "[pnm]") {
  for (const unsigned most : {1u, 2u, 15u, 100u, 254u, 255u, 256u, 1023u, 4095u, 65535u}) {
    std::vector<unsigned> stored, bytes, expected;
    for (unsigned i = 0; i < 50; ++i) stored.push_back(i * most / 49);
    for (const unsigned v : stored) {
      if (most > 255) bytes.push_back(v >> 8);
      bytes.push_back(v & 255);
      expected.push_back(static_cast<unsigned>(std::lround(double(v) * (most > 255 ? 65535 : 255) / double(most))));
    }
    CAPTURE(most);
    CHECK(samples_of(file_of(fmt::format("P5\n50 1\n{}\n", most), bytes)) == expected);
  }
}

TEST_CASE("pixels survive PNM exactly, in bands and in rectangles", "[pnm]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (const Model model : {Model::gray, Model::bgr})
    for (const Depth depth : {Depth::u8, Depth::u16})
      for (const bool alpha : {false, true})
        for (const auto& [width, height] : {std::pair{1, 1}, {3, 8}, {133, 101}}) {
          const OwnedImage image = picture(random, width, height, {model, depth, alpha});
          const Bytes file = encode("pnm", image);
          REQUIRE(file == encode("pnm", image, {}, {}, &random));
          REQUIRE(same_pixels(decode(file, {}, &random), image));
          MemorySource source(file);
          const auto decoder = find_codec("pnm")->decode(source, {});
          for (int i = 0; i < 10; ++i) {
            const int x0 = pick(0, width - 1), y0 = pick(0, height - 1);
            const Region region{x0, y0, pick(x0 + 1, width), pick(y0 + 1, height)};
            OwnedImage part({region.width(), region.height(), image.info().format, {}, 0});
            OwnedImage expected(part.info());
            MutableView view = part.view(), wanted = expected.view();
            view.region = wanted.region = region;
            decoder->read(view);
            copy_pixels(image.info(), image.view(), wanted);
            REQUIRE(same_pixels(part, expected));
          }
        }
}

TEST_CASE("PNM headers that lie are refused with a sentence", "[pnm]") {
  const auto refused = [](const std::string& header, const char* why) {
    CAPTURE(header);
    CHECK_THROWS_WITH(probe_bytes(to_bytes(header)), Contains(why));
  };
  refused("P5\n0 5\n255\n", "no picture has 0 x 5 pixels");
  refused("P5\n999999999 5\n255\n", "no picture has");
  refused("P5\n99999999999 5\n255\n", "where a number belongs");
  refused("P5\n-3 5\n255\n", "where a number belongs");
  refused("P5\n5 5\n65536\n", "not between 1 and 65535");
  refused("P5\n5 5\n0\n", "not between 1 and 65535");
  refused("P5\n5 5", "the file ends in its header");
  refused("P5\n#" + std::string(100'000, 'x'), "header is larger than 64 KiB");
  refused("P7\nWIDTH 5\nHEIGHT 5\nDEPTH 5\nMAXVAL 255\nENDHDR\n", "5 samples a pixel");
  refused("P7\nWIDTH 5\nBREADTH 5\nENDHDR\n", "a line that no PAM has");
  refused("P5\n5000 5000\n255\n", "a file of 17 bytes cannot hold 5000 x 5000 pixels");
  CHECK_THROWS_WITH(decode(to_bytes("P5\n5 5\n255\n0123456789")),
                    "truncated PNM: the file ends after 2 of 5 rows; --fail-on none decodes what is there");
}

TEST_CASE("a PNM that ends early is refused before its first row, unless what is there is asked for", "[pnm]") {
  const Bytes file = to_bytes("P5\n5 5\n255\n0123456789");
  MemorySource source(file);
  CHECK_THROWS_AS(find_codec("pnm")->decode(source, {}), ImageError);
  CHECK_THROWS_AS(find_codec("pnm")->decode(source, {.fail_on = FailOn::warning}), ImageError);
  CHECK_NOTHROW(find_codec("pnm")->decode(source, {.fail_on = FailOn::none}));
}
