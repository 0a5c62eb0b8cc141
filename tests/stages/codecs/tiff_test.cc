#include <catch2/catch.hpp>

#include "stages/codecs/byte_io.h"
#include "stages/codecs/metadata.h"
#include "stages/codecs/tiff_tags.h"
#include "tests/stages/codecs/plain_tiff.h"

using namespace tessera::stages;
using namespace tessera::tests;
using Catch::Matchers::Contains;

namespace {

Region random_region(std::mt19937& random, const ImageInfo& info) {
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  const int x0 = pick(0, info.width - 1), y0 = pick(0, info.height - 1);
  return {x0, y0, pick(x0 + 1, info.width), pick(y0 + 1, info.height)};
}

OwnedImage cut(const OwnedImage& image, const Region& region) {
  ImageInfo info = image.info();
  info.width = region.width(), info.height = region.height();
  OwnedImage part(info);
  MutableView view = part.view();
  view.region = region;
  copy_pixels(image.info(), image.view(), view);
  return part;
}

OwnedImage read_region(Decoder& decoder, const ImageInfo& full, const Region& region) {
  ImageInfo info = full;
  info.width = region.width(), info.height = region.height();
  OwnedImage part(info);
  MutableView view = part.view();
  view.region = region;
  decoder.read(view);
  return part;
}

void put(Bytes& file, std::size_t at, std::uint64_t value, std::size_t bytes) {
  file.resize(std::max(file.size(), at + bytes));
  for (std::size_t i = 0; i < bytes; ++i) file[at + i] = static_cast<std::byte>(value >> (8 * i));
}

struct RawEntry {
  std::uint16_t tag = 0, type = 0;
  std::uint32_t count = 0, value = 0;
};

/// Appends a directory of a classic little-endian file; returns where it lies.
std::uint32_t append_directory(Bytes& file, const std::vector<RawEntry>& entries) {
  const std::size_t at = file.size() + file.size() % 2;
  put(file, at, entries.size(), 2);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const RawEntry& e = entries[i];
    put(file, at + 2 + 12 * i, e.tag | std::uint32_t{e.type} << 16, 4);
    put(file, at + 6 + 12 * i, e.count | std::uint64_t{e.value} << 32, 8);
  }
  put(file, at + 2 + 12 * entries.size(), 0, 4);
  return static_cast<std::uint32_t>(at);
}

std::uint32_t number_at(const Bytes& file, std::size_t at, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= std::to_integer<std::uint32_t>(file[at + i]) << (8 * i);
  return value;
}

std::vector<RawEntry> first_directory(const Bytes& file) {
  const std::uint32_t at = number_at(file, 4, 4);
  std::vector<RawEntry> entries(number_at(file, at, 2));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::size_t entry = at + 2 + 12 * i;
    entries[i] = {static_cast<std::uint16_t>(number_at(file, entry, 2)),
                  static_cast<std::uint16_t>(number_at(file, entry + 2, 2)), number_at(file, entry + 4, 4),
                  number_at(file, entry + 8, 4)};
  }
  return entries;
}

/// The file with further entries in its first directory.
Bytes with_entries(Bytes file, const std::vector<RawEntry>& further) {
  std::vector<RawEntry> entries = first_directory(file);
  entries.insert(entries.end(), further.begin(), further.end());
  std::ranges::stable_sort(entries, {}, &RawEntry::tag);
  put(file, 4, append_directory(file, entries), 4);
  return file;
}

const std::vector<std::vector<Values::Pair>> kSettings{
    {},
    {{"tile", "64"}},
    {{"compression", "lzw"}},
    {{"compression", "lzw"}, {"tile", "64"}, {"predictor", "none"}},
    {{"compression", "deflate"}},
    {{"compression", "deflate"}, {"predictor", "none"}},
    {{"compression", "deflate"}, {"tile", "128"}},
    {{"compression", "packbits"}},
    {{"compression", "packbits"}, {"tile", "64"}},
};

}  // namespace

TEST_CASE("every kind of TIFF decodes to the samples it was made of, in bands and in rectangles", "[tiff]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const PlainTiff& spec : plain_tiff_kinds(61, 43)) {
    CAPTURE(spec.name());
    const Bytes file = plain_tiff(spec);
    const OwnedImage whole = decode(file);
    const OwnedImage expected = expected_pixels(spec);
    REQUIRE(whole.info() == expected.info());
    REQUIRE(same_pixels(whole, expected));
    REQUIRE(same_pixels(decode(file, {.fail_on = FailOn::warning}, &random), expected));
    MemorySource source(file);
    const auto decoder = find_codec("tiff")->decode(source, {});
    for (int i = 0; i < 12; ++i) {
      const Region region = random_region(random, whole.info());
      CAPTURE(region.x0, region.y0, region.x1, region.y1);
      REQUIRE(same_pixels(read_region(*decoder, whole.info(), region), cut(whole, region)));
    }
    decoder->finish();
  }
}

TEST_CASE("pixels survive TIFF exactly; its bytes do not depend on bands", "[tiff]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const Model model : {Model::gray, Model::bgr})
    for (const Depth depth : {Depth::u8, Depth::u16})
      for (const bool alpha : {false, true})
        for (const auto& [width, height] : {std::pair{1, 1}, {3, 8}, {133, 201}, {2000, 150}})
          for (const auto& settings : kSettings) {
            CAPTURE(width, height, settings);
            const OwnedImage image = picture(random, width, height, {model, depth, alpha});
            const Bytes file = encode("tiff", image, settings);
            REQUIRE(file == encode("tiff", image, settings, {}, &random));
            REQUIRE(same_pixels(decode(file, {.fail_on = FailOn::warning}, &random), image));
            REQUIRE(same_pixels(from_libtiff(file), image));
          }
}

TEST_CASE("what a TIFF setting asks for is what libtiff finds in the file", "[tiff]") {
  std::mt19937 random(2);
  const OwnedImage image = picture(random, 1000, 700, {Model::bgr, Depth::u8, false});
  for (const auto& settings : kSettings) {
    const Values values = settings_of("tiff", settings);
    const TiffFacts facts = tiff_facts(encode("tiff", image, settings));
    CAPTURE(settings);
    CHECK(facts.compression == values.text("compression"));
    const bool predicts = values.text("compression") == "lzw" || values.text("compression") == "deflate";
    CHECK(facts.predictor == (predicts && values.text("predictor") == "horizontal"));
    CHECK(facts.tile == (values.text("tile") == "none" ? 0 : std::stoi(values.text("tile"))));
    CHECK(facts.blocks > 1);
  }
}

TEST_CASE("an uncompressed TIFF is written front to back, a compressed one but for its header", "[tiff]") {
  struct OrderSink final : ByteSink {
    void write_at(std::uint64_t offset, ReadBytes bytes) override {
      if (offset != end) ++jumps, last_jump = offset, last_bytes = bytes.size();
      end = offset + bytes.size();
    }
    std::uint64_t end = 0, last_jump = 0;
    std::size_t jumps = 0, last_bytes = 0;
  };
  std::mt19937 random(3);
  const OwnedImage image = picture(random, 1000, 700, {Model::bgr, Depth::u8, false});
  for (const auto& settings : kSettings) {
    OrderSink sink;
    const Values values = settings_of("tiff", settings);
    const auto encoder = find_codec("tiff")->encode(sink, image.info(), {}, values);
    encoder->write(image.view());
    encoder->finish();
    CHECK(sink.jumps == (values.text("compression") == "none" ? 0 : 1));
    CHECK(sink.last_jump == 0);
    CHECK(sink.last_bytes <= 8);
  }
}

TEST_CASE("metadata goes into a TIFF and comes out the same", "[tiff]") {
  std::mt19937 random(1);
  for (const char* compression : {"none", "lzw"})
    for (const Model model : {Model::gray, Model::bgr}) {
      const OwnedImage image = picture(random, 20, 10, {model, Depth::u8, true});
      const Bytes icc = profile(5001, model == Model::gray ? "GRAY" : "RGB ");
      Metadata in;
      add_block(in, "exif", cleaned_exif(camera_exif(true, 1)));
      add_block(in, "icc", icc);
      add_block(in, "xmp", to_bytes("<x:xmpmeta/>"));
      add_block(in, "iptc", to_bytes("caption"));
      add_block(in, "density", density_block({11811, 3000, Density::Unit::per_metre}));
      const Bytes file = encode("tiff", image, {{"compression", compression}}, in);
      const Metadata out = metadata_of(file);
      for (const char* name : {"icc", "xmp", "iptc", "density"}) {
        CAPTURE(name);
        const ReadBytes a = find_block(in, name), b = find_block(out, name);
        CHECK(Bytes(a.begin(), a.end()) == Bytes(b.begin(), b.end()));
      }
      const ReadBytes exif = find_block(out, "exif");
      CHECK(exif_orientation(exif) == 1);
      const auto holds = [&](const Bytes& part) { return std::ranges::search(exif, part).size() == part.size(); };
      CHECK(holds(to_bytes("(c) tester")));
      Bytes note;
      for (unsigned i = 0; i < 20; ++i) note.push_back(static_cast<std::byte>(0xC0 + i));
      CHECK(holds(note));
      // What was rewritten once stays as it is.
      CHECK(metadata_of(encode("tiff", image, {}, out)) == out);
      CHECK(probe_bytes(file).full.profile_id == profile_id(icc));
      CHECK(probe_bytes(file).metadata_bytes == total_bytes(out));
    }
}

TEST_CASE("densities survive as dots per inch, per centimetre, and as an aspect", "[tiff]") {
  std::mt19937 random(1);
  const OwnedImage image = picture(random, 4, 4, {Model::gray, Depth::u8, false});
  for (const Density& density : {Density{2835, 2835, Density::Unit::per_metre},
                                 {11811, 23622, Density::Unit::per_metre},
                                 {10000, 3700, Density::Unit::per_metre},
                                 {3001, 777, Density::Unit::per_metre},
                                 {1, 2, Density::Unit::aspect_only}}) {
    Metadata in;
    add_block(in, "density", density_block(density));
    CHECK(metadata_of(encode("tiff", image, {}, in)) == in);
  }
}

TEST_CASE("every page of a TIFF is probed and decoded by its number", "[tiff]") {
  const std::vector<PlainTiff> pages{{.width = 30, .height = 20},
                                     {.width = 7, .height = 50, .samples = 1, .photometric = 1}};
  const Bytes file = plain_tiff_pages(pages);
  MemorySource source(file);
  const Codec& codec = *find_codec("tiff");
  for (std::uint32_t i = 0; i < 2; ++i) {
    const Header header = codec.probe_page(source, i);
    CHECK(header.pages == 2);
    const OwnedImage expected = expected_pixels(pages[i]);
    REQUIRE(header.full == expected.info());
    OwnedImage image(header.full);
    codec.decode(source, {.page = i})->read(image.view());
    CHECK(same_pixels(image, expected));
  }
  CHECK_THROWS_WITH(codec.probe_page(source, 2), "the TIFF file has 2 pages");
  CHECK_THROWS_WITH(codec.decode(source, {.page = 2}), "the TIFF file has 2 pages");
  CHECK_THROWS_AS(find_codec("png")->probe_page(source, 1), ImageError);
}

TEST_CASE("the orientation of a TIFF is told and not applied", "[tiff]") {
  for (const int turn : {1, 3, 6, 8}) {
    PlainTiff spec{.width = 9, .height = 5};
    spec.orientation = turn;
    const Bytes file = plain_tiff(spec);
    CHECK(probe_bytes(file).orientation == turn);
    CHECK(same_pixels(decode(file), expected_pixels(spec)));
  }
}

TEST_CASE("kinds of TIFF that are not decoded are named", "[tiff]") {
  const auto refused = [](PlainTiff spec, const char* why) {
    CHECK_THROWS_WITH(probe_bytes(plain_tiff(spec)), Contains(why));
  };
  refused({.samples = 4, .photometric = 5}, "CMYK pixels are not decoded");
  refused({.photometric = 8}, "L*a*b* pixels are not decoded");
  refused({.compression = 7}, "compressed as JPEG, which is not decoded");
  refused({.compression = 50000}, "compressed as ZSTD, which is not decoded");
  refused({.bits = 32}, "32 bits a sample are not decoded");
}

TEST_CASE("a TIFF that promises more than its bytes can hold is refused before memory is taken", "[tiff]") {
  // One tile of the size that the header is then made to tell.
  const auto with_sides = [](int image, int tile, int compression) {
    PlainTiff spec{.width = 16, .height = 16, .compression = compression, .tile = 16};
    Bytes file = plain_tiff(spec);
    const auto put = [&](unsigned tag, unsigned value) {
      for (std::size_t i = 8; i + 12 <= file.size(); ++i)
        if (file[i] == std::byte(tag & 255) && file[i + 1] == std::byte(tag >> 8) && file[i + 3] == std::byte{0} &&
            (file[i + 2] == std::byte{3} || file[i + 2] == std::byte{4}) && file[i + 4] == std::byte{1}) {
          file[i + 2] = std::byte{4};
          for (std::size_t b = 0; b < 4; ++b) file[i + 8 + b] = std::byte(value >> (8 * b));
          return;
        }
      FAIL("no such tag");
    };
    put(256, static_cast<unsigned>(image)), put(257, static_cast<unsigned>(image));
    put(322, static_cast<unsigned>(tile)), put(323, static_cast<unsigned>(tile));
    return file;
  };
  CHECK_NOTHROW(probe_bytes(with_sides(16, 16, 8)));
  CHECK_THROWS_WITH(probe_bytes(with_sides(16, 100'000, 8)), Contains("cannot hold 16 x 16 pixels in 1 tiles"));
  CHECK_THROWS_AS(probe_bytes(with_sides(60'000'000, 60'000'000, 8)), ImageError);
  CHECK_THROWS_AS(probe_bytes(with_sides(1'000'000, 16, 1)), ImageError);
}

TEST_CASE("directories of a TIFF that point at each other end", "[tiff]") {
  Bytes file = plain_tiff_pages({{.width = 5, .height = 5}, {.width = 6, .height = 6}});
  // The last link of a file is zero: find the second directory through the first and make it lead back.
  const auto u32 = [&](std::size_t at) {
    return std::to_integer<std::size_t>(file[at]) | std::to_integer<std::size_t>(file[at + 1]) << 8 |
           std::to_integer<std::size_t>(file[at + 2]) << 16;
  };
  const auto link_of = [&](std::size_t directory) { return directory + 2 + 12 * (u32(directory) & 0xFFFF); };
  const std::size_t first = u32(4), second = u32(link_of(first)), link = link_of(second);
  for (std::size_t i = 0; i < 4; ++i) file[link + i] = file[4 + i];
  CHECK(probe_bytes(file).pages == 2);
  CHECK_NOTHROW(decode(file));
}

TEST_CASE("strips too large to keep decode in bands, in rectangles, and again from above", "[tiff]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const int compression : {5, 8}) {
    const PlainTiff spec{.width = 1500, .height = 1200, .compression = compression, .rows_per_strip = 1000};
    const Bytes file = plain_tiff(spec);
    const OwnedImage expected = expected_pixels(spec);
    CHECK(same_pixels(decode(file, {.fail_on = FailOn::warning}, &random), expected));
    CHECK(probe_bytes(file).decoder_bytes < 1500 * 1000 * 3 + file.size());  // not a whole strip of pixels
    // Bands that several decoders took would each begin at the strip's first row.
    CHECK(find_codec("tiff")->decode_traits(probe_bytes(file), {}).access == Access::rows);
    MemorySource source(file);
    const auto decoder = find_codec("tiff")->decode(source, {});
    for (int i = 0; i < 12; ++i) {
      const Region region = random_region(random, expected.info());
      CAPTURE(region.x0, region.y0, region.x1, region.y1);
      REQUIRE(same_pixels(read_region(*decoder, expected.info(), region), cut(expected, region)));
    }
  }
}

TEST_CASE("EXIF whose tags share their bytes does not grow", "[tiff]") {
  Bytes file(70'000);
  put(file, 0, 0x002A4949, 4);
  std::vector<RawEntry> tags;
  for (std::uint16_t i = 0; i < 1000; ++i) tags.push_back({std::uint16_t(50'000 + i), 7, 60'000, 8});
  tags.push_back({40965, 4, 1, static_cast<std::uint32_t>(file.size())});  // leads back to the directory itself
  const std::uint32_t shared = append_directory(file, tags);
  put(file, 4, append_directory(file, {{34665, 4, 1, shared}, {34853, 4, 1, shared}}), 4);
  MemorySource source(file);
  TiffStructure structure(source);
  const ExifTags exif = read_exif_tags(structure, structure.first_directory());
  CHECK_FALSE(exif.empty());
  CHECK(exif_block(exif).size() <= file.size());
}

TEST_CASE("what libtiff loads of a directory is counted, and refused where it is too much", "[tiff]") {
  Bytes plain = plain_tiff({.width = 20, .height = 10});
  const std::uint64_t before = probe_bytes(plain).decoder_bytes;
  plain.resize(100'000);
  const auto with_private_tags = [&](unsigned count) {
    std::vector<RawEntry> tags;
    for (unsigned i = 0; i < count; ++i) tags.push_back({std::uint16_t(51'200 + i), 7, 90'000, 8});
    return with_entries(plain, tags);
  };
  const Bytes some = with_private_tags(10);
  CHECK(probe_bytes(some).decoder_bytes >= before + 2 * 10 * 90'000);
  CHECK(same_pixels(decode(some), expected_pixels({.width = 20, .height = 10})));
  CHECK_THROWS_WITH(probe_bytes(with_private_tags(3000)), Contains("257 MiB of values beside the pixels"));
}

TEST_CASE("an alpha that is declared but has no sample changes no colour", "[tiff]") {
  const PlainTiff spec{.width = 20, .height = 10};
  const Bytes file = with_entries(plain_tiff(spec), {{338, 3, 1, 1}});
  CHECK(same_pixels(decode(file), expected_pixels(spec)));
}

TEST_CASE("a fax strip that ends early shows nothing of the strip before", "[tiff]") {
  const PlainTiff spec{.width = 200, .height = 40, .samples = 1, .bits = 1, .photometric = 0, .compression = 4};
  Bytes file = plain_tiff(spec);
  const ImageInfo info = probe_bytes(file).full;
  for (const RawEntry& e : first_directory(file)) {
    const std::size_t bytes = e.type == 3 ? 2 : 4;
    // One white row, then the end-of-block code: to libtiff that is a strip as good as any.
    if (e.tag == 273) put(file, number_at(file, e.value + bytes, bytes), 0x80000880, 4);
  }
  MemorySource source(file);
  for (const FailOn fail_on : {FailOn::none, FailOn::truncated}) {
    const auto decoder = find_codec("tiff")->decode(source, {.fail_on = fail_on});
    const Region first{0, 0, 200, 10}, second{0, 10, 200, 20};
    REQUIRE(same_pixels(read_region(*decoder, info, first), cut(expected_pixels(spec), first)));
    const OwnedImage white = read_region(*decoder, info, second);
    for (int y = 0; y < 10; ++y)
      for (int x = 0; x < 200; ++x) REQUIRE(white.view().plane().row<std::uint8_t>(y)[x] == 255);
  }
}

TEST_CASE("of an uncompressed TIFF cut short the whole rows come out, in any bands and rectangles", "[tiff]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const OwnedImage image = picture(random, 61, 100, {Model::bgr, Depth::u8, false});
  Bytes file = encode("tiff", image);  // its directory is in front
  file.resize(file.size() - 61 * 3 * 40 - 20);
  const DecodeRequest request{.fail_on = FailOn::none};
  const OwnedImage whole = decode(file, request);
  CHECK(same_pixels(cut(whole, {0, 0, 61, 59}), cut(image, {0, 0, 61, 59})));
  for (int y = 59; y < 100; ++y)
    for (int i = 0; i < 61 * 3; ++i) REQUIRE(whole.view().plane().row<std::uint8_t>(y)[i] == 0);
  CHECK(same_pixels(decode(file, request, &random), whole));
  MemorySource source(file);
  const auto decoder = find_codec("tiff")->decode(source, request);
  for (int i = 0; i < 30; ++i) {
    const Region region = random_region(random, whole.info());
    CAPTURE(region.x0, region.y0, region.x1, region.y1);
    REQUIRE(same_pixels(read_region(*decoder, whole.info(), region), cut(whole, region)));
  }
}

TEST_CASE("of an uncompressed TIFF in planes only the channel is lost whose plane is missing", "[tiff]") {
  PlainTiff spec{.width = 61, .height = 10};
  spec.separate = true;
  Bytes file = plain_tiff(spec);
  for (const RawEntry& e : first_directory(file)) {
    const std::size_t bytes = e.type == 3 ? 2 : 4;
    if (e.tag == 273) put(file, e.value + bytes, 60'000, bytes);  // of the green plane
  }
  const OwnedImage part = decode(file, {.fail_on = FailOn::none}), expected = expected_pixels(spec);
  for (int y = 0; y < 10; ++y)
    for (int i = 0; i < 61 * 3; ++i)
      REQUIRE(part.view().plane().row<std::uint8_t>(y)[i] ==
              (i % 3 == 1 ? 0 : expected.view().plane().row<std::uint8_t>(y)[i]));
}
