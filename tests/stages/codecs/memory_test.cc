#include <malloc.h>

#include <catch2/catch.hpp>

#include "stages/codecs/byte_io.h"
#include "tests/stages/codecs/other_files.h"
#include "tests/stages/codecs/plain_tiff.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCanMeasure = false;  // sanitizers have an allocator of their own
#else
constexpr bool kCanMeasure = true;
#endif

std::uint64_t allocated() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// What a decode holds after its last row, before finish() gives anything back; libraries only grow until then.
std::uint64_t decode_bytes(const Bytes& file, const DecodeRequest& request, std::uint64_t& stated) {
  MemorySource source(file);
  const Header header = probe(source);
  const Codec& codec = *codecs()[header.codec];
  const Traits traits = codec.decode_traits(header, request);
  stated = traits.private_bytes;
  OwnedImage image(traits.info);
  const std::uint64_t before = allocated();
  const auto decoder = codec.decode(source, request);
  decoder->read(image.view());
  return allocated() - before;
}

std::uint64_t encode_bytes(const std::string& name, const OwnedImage& image, const std::vector<Values::Pair>& given,
                           std::uint64_t& stated) {
  struct NullSink final : ByteSink {
    void write_at(std::uint64_t, ReadBytes) override {}
  } sink;
  const Values settings = settings_of(name, given);
  stated = find_codec(name)->encode_traits(image.info(), settings).private_bytes;
  const std::uint64_t before = allocated();
  const auto encoder = find_codec(name)->encode(sink, image.info(), {}, settings);
  encoder->write(image.view());
  return allocated() - before;
}

void check(std::uint64_t used, std::uint64_t stated) {
  CAPTURE(used, stated);
  CHECK(used <= stated);
  CHECK(stated <= 4 * used + (5 << 18));  // an estimate that says nothing would admit nothing
}

}  // namespace

TEST_CASE("JPEG decoders hold what their traits say, and not much less", "[memory]") {
  if (!kCanMeasure) return;
  for (const auto& [width, height] : {std::pair{1, 1}, {3000, 200}, {1200, 900}})
    for (const bool progressive : {false, true})
      for (const PlainColor color : {PlainColor::gray, PlainColor::ycbcr, PlainColor::rgb, PlainColor::cmyk})
        for (const int sampling : {1, 2})
          for (const int scale : {0, 1, 3})
            for (const bool planar : {false, true}) {
              if (planar && color != PlainColor::ycbcr) continue;
              CAPTURE(width, height, progressive, int(color), sampling, scale, planar);
              const Bytes file = plain_jpeg({.width = width,
                                             .height = height,
                                             .color = color,
                                             .progressive = progressive,
                                             .h = sampling,
                                             .v = sampling});
              std::uint64_t stated = 0;
              const std::uint64_t used =
                  decode_bytes(file, {.scale_log2 = static_cast<std::uint8_t>(scale), .planar = planar}, stated);
              check(used, stated);
              if (progressive && width == 1200) CHECK(used > 1200 * 900 * 2);
              if (!progressive) CHECK(stated < (2 << 20));
            }
}

TEST_CASE("PNG decoders hold what their traits say, and not much less", "[memory]") {
  if (!kCanMeasure) return;
  for (const auto& [width, height] : {std::pair{1, 1}, {3000, 200}, {1200, 900}})
    for (const bool interlaced : {false, true})
      for (const auto& [type, depth] : {std::pair{0, 8}, {2, 8}, {3, 8}, {6, 16}}) {
        CAPTURE(width, height, interlaced, type, depth);
        std::uint64_t stated = 0;
        const std::uint64_t used = decode_bytes(plain_png({width, height, type, depth, interlaced}), {}, stated);
        check(used, stated);
      }
}

TEST_CASE("TIFF decoders hold what their traits say, and not much less", "[memory]") {
  if (!kCanMeasure) return;
  for (const auto& [width, height] : {std::pair{1, 1}, {3000, 200}, {1200, 900}})
    for (const int compression : {1, 5, 8})
      for (const auto& [tile, rows] : {std::pair{0, 16}, {0, 900}, {256, 1}})
        for (const bool separate : {false, true}) {
          CAPTURE(width, height, compression, tile, rows, separate);
          PlainTiff spec{.width = width, .height = height, .bits = 16, .compression = compression};
          spec.tile = tile, spec.rows_per_strip = std::min(rows, height), spec.separate = separate;
          const Bytes file = plain_tiff(spec);
          std::uint64_t stated = 0;
          const std::uint64_t used = decode_bytes(file, {}, stated);
          CAPTURE(used, stated);
          CHECK(used <= stated);
          // Rows of tiles are kept for bands, of which this test has but one.
          const std::uint64_t kept = compression == 1 ? 0 : 6ull * static_cast<unsigned>(width) * 300;
          CHECK(stated <= 4 * used + (9 << 17) + 2 * kept + (separate || tile == 0 ? 6ull * 3000 * 1800 : 0));
        }
}

TEST_CASE("encoders hold what their traits say, and not much less", "[memory]") {
  if (!kCanMeasure) return;
  std::mt19937 random(1);
  for (const auto& [width, height] : {std::pair{1, 1}, {1200, 900}}) {
    const OwnedImage bgr = picture(random, width, height, {Model::bgr, Depth::u8, false});
    std::uint64_t stated = 0, used = 0;
    for (const char* progressive : {"false", "true"})
      for (const char* subsampling : {"4:4:4", "4:2:0"}) {
        CAPTURE(width, progressive, subsampling);
        used = encode_bytes("jpeg", bgr, {{"progressive", progressive}, {"subsampling", subsampling}}, stated);
        check(used, stated);
      }
    used = encode_bytes("jpeg", planar_picture(random, width, height, 1, 1), {{"optimize", "true"}}, stated);
    check(used, stated);
    used = encode_bytes("png", picture(random, width, height, {Model::bgr, Depth::u16, true}), {{"filter", "all"}},
                        stated);
    check(used, stated);
    for (const char* compression : {"none", "lzw", "deflate"})
      for (const char* tile : {"none", "256"}) {
        CAPTURE(compression, tile);
        used = encode_bytes("tiff", bgr, {{"compression", compression}, {"tile", tile}}, stated);
        check(used, stated);
      }
  }
}
