#include <catch2/catch.hpp>

#include "stages/codecs/byte_io.h"
#include "tests/stages/codecs/other_files.h"

using namespace tessera::stages;
using namespace tessera::tests;
using Catch::Matchers::Contains;

TEST_CASE("a codec is found by name and by extension in any case", "[codecs]") {
  REQUIRE(find_codec("jpeg"));
  REQUIRE(find_codec("png"));
  CHECK_FALSE(find_codec("JPEG"));
  for (const char* extension : {"jpg", ".JPG", "Jpeg", ".jfif"})
    CHECK(codec_for_extension(extension) == find_codec("jpeg"));
  for (const char* extension : {"png", ".PnG"}) CHECK(codec_for_extension(extension) == find_codec("png"));
  for (const char* extension : {"", ".", "jp", "jpgx", "txt"}) CHECK_FALSE(codec_for_extension(extension));
}

TEST_CASE("probing dispatches on the bytes and names the codec", "[codecs]") {
  CHECK(codecs()[probe_bytes(plain_jpeg({})).codec]->name() == "jpeg");
  CHECK(codecs()[probe_bytes(plain_png({})).codec]->name() == "png");
  CHECK_THROWS_WITH(probe_bytes({}), "the file is empty");
  CHECK_THROWS_WITH(probe_bytes(to_bytes("GIF89a")), "not an image format that Tessera reads (it reads JPEG, PNG, TIFF and PNM)");
  CHECK_THROWS_AS(probe_bytes(to_bytes("\xFF")), ImageError);
}

TEST_CASE("a source lends no more than there is, a sink fills gaps with zeros", "[codecs]") {
  const Bytes bytes = to_bytes("abcdef");
  MemorySource source(bytes);
  CHECK(source.size() == 6);
  CHECK(source.at(4, 10).size() == 2);
  CHECK(source.at(6, 1).empty());
  CHECK(source.at(~0ull, 1).empty());
  MemorySink sink;
  sink.write_at(2, bytes);
  sink.write_at(0, ReadBytes(bytes).first(1));
  CHECK(sink.bytes() == to_bytes(std::string_view("a\0abcdef", 8)));
}

TEST_CASE("storable names the nearest format, and the encoders take exactly that", "[codecs]") {
  for (const Codec* codec : listed_codecs())
    for (const Model model : {Model::gray, Model::bgr, Model::ycbcr_planar})
      for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
        for (const bool alpha : {false, true}) {
          const PixelFormat wanted{model, depth, alpha}, stored = codec->storable(wanted);
          const std::string name(codec->name());
          CAPTURE(name, to_string(wanted), to_string(stored));
          CHECK(codec->storable(stored) == stored);
          CHECK_NOTHROW(codec->encode_traits({8, 8, stored, {}, 0}, settings_of(name)));
          if (stored != wanted)
            CHECK_THROWS_AS(codec->encode_traits({8, 8, wanted, {}, 0}, settings_of(name)), std::invalid_argument);
        }
}

TEST_CASE("a request that a format cannot serve is refused before any decoding", "[codecs]") {
  const Header jpeg = probe_bytes(plain_jpeg({.color = PlainColor::gray})), png = probe_bytes(plain_png({}));
  CHECK_THROWS_AS(find_codec("jpeg")->decode_traits(jpeg, {.scale_log2 = 4}), std::invalid_argument);
  CHECK_THROWS_AS(find_codec("jpeg")->decode_traits(jpeg, {.planar = true}), std::invalid_argument);
  CHECK_THROWS_AS(find_codec("png")->decode_traits(png, {.scale_log2 = 1}), std::invalid_argument);
  CHECK_THROWS_AS(find_codec("png")->decode_traits(png, {.planar = true}), std::invalid_argument);
  for (const Codec* codec : listed_codecs()) CHECK_THROWS_AS(codec->decode_traits(jpeg, {.page = 1}), ImageError);
}

TEST_CASE("a file that was replaced by one of another size fails instead of writing past the band", "[codecs]") {
  for (const bool png : {false, true}) {
    const Bytes seen = png ? plain_png({40, 30}) : plain_jpeg({.width = 40, .height = 30});
    const Bytes now = png ? plain_png({50, 30}) : plain_jpeg({.width = 50, .height = 30});
    const Header header = probe_bytes(seen);
    OwnedImage image(header.full);
    MemorySource source(now);
    const auto decoder = codecs()[header.codec]->decode(source, {});
    CHECK_THROWS_WITH(decoder->read(image.view()), Contains("changed while it was read"));
  }
}

TEST_CASE("an unreadable source and an unwritable sink pass their own exception through", "[codecs]") {
  struct Trouble : std::runtime_error {
    Trouble() : std::runtime_error("disk gone") {}
  };
  struct BrokenSource final : ByteSource {
    explicit BrokenSource(const Bytes& b, std::uint64_t from) : bytes(b), broken_from(from) {}
    std::uint64_t size() const override { return bytes.size(); }
    ReadBytes at(std::uint64_t offset, std::size_t count) override {
      if (offset >= broken_from) throw Trouble();
      return MemorySource(bytes).at(offset, std::min<std::size_t>(count, broken_from - offset));
    }
    const Bytes& bytes;
    std::uint64_t broken_from;
  };
  struct BrokenSink final : ByteSink {
    void write_at(std::uint64_t, ReadBytes) override { throw Trouble(); }
  };
  const Bytes jpeg = plain_jpeg({});
  BrokenSource source(jpeg, jpeg.size() / 2);
  CHECK_THROWS_AS(find_codec("jpeg")->decode(source, {})->finish(), Trouble);

  std::mt19937 random(1);
  const OwnedImage image = picture(random, 30, 20, {Model::bgr, Depth::u8, false});
  for (const Codec* codec : listed_codecs()) {
    BrokenSink sink;
    const auto write_all = [&] {
      const auto encoder = codec->encode(sink, image.info(), {}, settings_of(std::string(codec->name())));
      encoder->write(image.view());
      encoder->finish();
    };
    CHECK_THROWS_AS(write_all(), Trouble);
  }
}
