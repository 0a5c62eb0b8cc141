#include <png.h>
#include <catch2/catch.hpp>
#include <set>

#include "stages/codecs/byte_io.h"
#include "stages/codecs/metadata.h"
#include "stages/codecs/png_rows.h"
#include "stages/source.h"
#include "tests/stages/codecs/other_files.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

// The sample that a decoder must give, from the definition of the file's content.
unsigned expected(const PlainPng& spec, int x, int y, int channel) {
  const bool palette = spec.color_type == PNG_COLOR_TYPE_PALETTE, color = (spec.color_type & PNG_COLOR_MASK_COLOR) != 0;
  const int colors = color ? 3 : 1;
  const bool is_alpha = channel == colors;
  const int stored = color && !is_alpha ? 2 - channel : channel;  // BGR against RGB
  const unsigned full = spec.depth == 16 ? 65535u : 255u;
  if (palette) {
    const unsigned i = plain_png_sample(spec, x, y, 0);
    if (is_alpha) return i * 16 % 256;
    return (stored == 0 ? i * 11 : stored == 1 ? i * 7 + 3 : 255 - i * 5) % 256;
  }
  if (is_alpha && spec.transparent) {
    bool key = true;
    for (int c = 0; c < colors; ++c) key = key && plain_png_sample(spec, x, y, c) == plain_png_sample(spec, 1, 1, c);
    return key ? 0 : full;
  }
  const unsigned value = plain_png_sample(spec, x, y, stored);
  return spec.depth < 8 ? value * 255 / ((1u << spec.depth) - 1) : value;
}

}  // namespace

TEST_CASE("every kind of PNG decodes to the samples it was made of, however rows are asked for", "[png]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  struct Kind {
    int color_type;
    std::vector<int> depths;
  };
  for (const Kind& kind :
       {Kind{0, {1, 2, 4, 8, 16}}, Kind{2, {8, 16}}, Kind{3, {1, 2, 4, 8}}, Kind{4, {8, 16}}, Kind{6, {8, 16}}})
    for (const int depth : kind.depths)
      for (const bool transparent : {false, true})
        for (const bool interlaced : {false, true})
          for (const auto& [width, height] : {std::pair{1, 1}, {9, 7}, {133, 41}}) {
            if (transparent && (kind.color_type & PNG_COLOR_MASK_ALPHA)) continue;
            const PlainPng spec{width, height, kind.color_type, depth, interlaced, transparent};
            CAPTURE(kind.color_type, depth, transparent, interlaced, width, height);
            const Bytes file = plain_png(spec);
            const Header header = probe_bytes(file);
            CHECK(header.progressive == interlaced);
            CHECK(header.full.format.alpha == (transparent || (kind.color_type & PNG_COLOR_MASK_ALPHA) != 0));
            CHECK(header.full.format.depth == (depth == 16 ? Depth::u16 : Depth::u8));
            const OwnedImage image = decode(file, {}, &random);
            REQUIRE(image.info() == header.full);
            const int channels = header.full.format.channels();
            const auto plane = image.view().plane();
            for (int y = 0; y < height; ++y)
              for (int x = 0; x < width; ++x)
                for (int c = 0; c < channels; ++c) {
                  const int i = x * channels + c;
                  const unsigned got = depth == 16 ? plane.row<std::uint16_t>(y)[i] : plane.row<std::uint8_t>(y)[i];
                  REQUIRE(got == expected(spec, x, y, c));
                }
          }
}

TEST_CASE("pixels survive PNG exactly; its bytes do not depend on bands", "[png]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const Model model : {Model::gray, Model::bgr})
    for (const Depth depth : {Depth::u8, Depth::u16})
      for (const bool alpha : {false, true})
        for (const auto& [width, height] : {std::pair{1, 1}, {3, 8}, {133, 101}})
          for (const char* filter : {"none", "sub", "up", "average", "paeth", "all"}) {
            const OwnedImage image = picture(random, width, height, {model, depth, alpha});
            const std::vector<Values::Pair> settings{{"filter", filter}, {"compression", "3"}};
            const Bytes file = encode("png", image, settings);
            REQUIRE(file == encode("png", image, settings, {}, &random));
            REQUIRE(same_pixels(decode(file, {}, &random), image));
          }
}

TEST_CASE("a PNG too large to be kept whole streams row by row, with the same pixels and the memory of a few",
          "[png]") {
  const PixelFormat gray{Model::gray, Depth::u8, false};
  const auto traits = [&](std::int32_t height) {
    const Codec& png = *find_codec("png");
    const Values defaults = Values::parse("png", png.encode_parameters(), {});
    return png.encode_traits({8192, height, gray, {}, 0}, defaults).private_bytes;
  };
  // 8193 bytes a filtered row: 4095 rows are just below 32 MiB.
  CHECK(traits(4095) > 60 << 20);
  CHECK(traits(4096) < 1 << 20);
  for (const int height : {4095, 4096}) {
    OwnedImage image({8192, height, gray, {}, 0});
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < 8192; ++x)
        image.view().plane().row<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(x * y >> 9);
    std::mt19937 random(7);
    const std::vector<Values::Pair> settings{{"compression", "1"}, {"filter", "up"}};
    const Bytes file = encode("png", image, settings, {}, &random);
    CHECK(file.size() < 20'000'000);
    CHECK(same_pixels(decode(file), image));
  }
}

TEST_CASE("every row of a PNG keeps the filter that was asked for", "[png]") {
  std::mt19937 random(3);
  const OwnedImage image = picture(random, 77, 40, {Model::bgr, Depth::u8, false});
  const std::vector<const char*> names{"none", "sub", "up", "average", "paeth", "all"};
  for (std::size_t f = 0; f < names.size(); ++f) {
    PngRowFilter filter(image.info(), static_cast<PngFilter>(f));
    std::vector<std::byte> row(filter.bytes());
    std::set<std::byte> used;
    for (int y = 0; y < 40; ++y) filter.next(image.view().plane().row<std::byte>(y), row.data()), used.insert(row[0]);
    if (f < 5)
      CHECK(used == std::set<std::byte>{static_cast<std::byte>(f)});
    else
      CHECK(used.size() > 1);
  }
}

TEST_CASE("compression and filter take effect", "[png]") {
  std::mt19937 random(5);
  const OwnedImage image = picture(random, 200, 150, {Model::bgr, Depth::u8, false});
  const auto size = [&](const char* compression) {
    return encode("png", image, {{"compression", compression}}).size();
  };
  CHECK(size("0") > 200 * 150 * 3);
  CHECK(size("9") < size("1"));
  CHECK(encode("png", image, {{"filter", "up"}}) != encode("png", image, {{"filter", "sub"}}));
}

TEST_CASE("metadata goes into a PNG and comes out the same, IPTC excepted", "[png]") {
  std::mt19937 random(1);
  for (const Model model : {Model::gray, Model::bgr}) {
    const OwnedImage image = picture(random, 20, 10, {model, Depth::u8, true});
    const Bytes icc = profile(5000, model == Model::gray ? "GRAY" : "RGB ");
    Metadata in;
    add_block(in, "exif", cleaned_exif(camera_exif(false, 1)));
    add_block(in, "icc", icc);
    add_block(in, "xmp", to_bytes("<x:xmpmeta/>"));
    add_block(in, "density", density_block({2835, 3000, Density::Unit::per_metre}));
    Metadata with_iptc = in;
    add_block(with_iptc, "iptc", to_bytes("caption"));
    const Bytes file = encode("png", image, {}, with_iptc);
    CHECK(metadata_of(file) == in);
    CHECK(probe_bytes(file).full.profile_id == profile_id(icc));
    CHECK(probe_bytes(file).metadata_bytes == total_bytes(in));
    CHECK(same_pixels(decode(file, {.fail_on = FailOn::warning}), image));
  }
}

TEST_CASE("EXIF and XMP count before and after the picture; a damaged chunk is left out", "[png]") {
  const Bytes xmp = to_bytes(std::string_view("XML:com.adobe.xmp\0\0\0\0\0<x/>", 26));
  for (const bool at_end : {false, true}) {
    Bytes file = with_png_chunk(plain_png({}), "eXIf", camera_exif(true, 6), at_end);
    file = with_png_chunk(file, "iTXt", xmp, at_end);
    CHECK(probe_bytes(file).orientation == 6);
    const Metadata metadata = metadata_of(file);
    const ReadBytes exif = find_block(metadata, "exif"), text = find_block(metadata, "xmp");
    CHECK(Bytes(exif.begin(), exif.end()) == cleaned_exif(camera_exif(true, 6)));
    CHECK(Bytes(text.begin(), text.end()) == to_bytes("<x/>"));
  }
  Bytes damaged = with_png_chunk(plain_png({}), "eXIf", camera_exif(true, 6), false);
  damaged[33 + 20] ^= std::byte{1};
  CHECK(probe_bytes(damaged).orientation == 1);
  CHECK_NOTHROW(decode(damaged));
  const Bytes lying = with_png_chunk(plain_png({}), "iTXt", Bytes(xmp.begin(), xmp.begin() + 20), false);
  CHECK(find_block(metadata_of(lying), "xmp").empty());
}

TEST_CASE("a PNG whose header asks for more than a side of a million is refused with the reason", "[png]") {
  Bytes file = plain_png({});
  file[16 + 1] = std::byte{0x7F};  // width 0x007F0009
  Bytes ihdr(file.begin() + 16, file.begin() + 29);
  Bytes remade(file.begin(), file.begin() + 8);
  file.erase(file.begin() + 8, file.begin() + 33);
  remade.insert(remade.end(), file.begin() + 8, file.end());
  remade.insert(remade.begin() + 8, 25, std::byte{0});
  const Bytes chunk = with_png_chunk(Bytes(45), "IHDR", ihdr, false);
  std::copy(chunk.begin() + 33, chunk.begin() + 58, remade.begin() + 8);
  CHECK_THROWS_WITH(probe_bytes(remade), Catch::Matchers::Contains("width exceeds user limit"));
}

TEST_CASE("a PNG decoder behind a ring gives the pixels of the whole image", "[png][source]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (const bool interlaced : {false, true}) {
    const Bytes file = plain_png({61, 203, 6, 16, interlaced});
    const OwnedImage whole = decode(file);
    MemorySource bytes(file);
    const Codec& codec = *find_codec("png");
    const Traits traits = codec.decode_traits(codec.probe(bytes), {});
    const auto decoder = codec.decode(bytes, {});
    std::vector<std::byte> memory(DecoderSource::ring_bytes(traits, 40) + 64);
    auto* start = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(memory.data()) + 63) / 64 * 64);
    DecoderSource source(*decoder, traits, traits.info.bounds(), WriteBytes(start, memory.size() - 64), 40);
    for (int y0 = 0; y0 < 203; y0 += pick(0, 50)) {
      const Region region{pick(0, 30), y0, pick(31, 61), std::min(203, y0 + pick(1, 40))};
      const auto a = sub_view(traits.info, source.fetch(region), region).plane();
      const auto b = sub_view(traits.info, whole.view(), region).plane();
      for (int y = 0; y < a.height; ++y)
        REQUIRE(std::equal(a.row<std::uint16_t>(y), a.row<std::uint16_t>(y) + a.width * 4, b.row<std::uint16_t>(y)));
    }
    decoder->finish();
  }
}
