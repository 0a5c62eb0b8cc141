#include <catch2/catch.hpp>
#include <cstring>

#include "stages/codecs/metadata.h"
#include "tests/stages/codecs/other_files.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

Bytes block(const Metadata& metadata, std::string_view name) {
  const ReadBytes found = find_block(metadata, name);
  return {found.begin(), found.end()};
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes icc_segment(const Bytes& part, int number, int count) {
  return joined({to_bytes(std::string_view("ICC_PROFILE\0", 12)), {std::byte(number), std::byte(count)}, part});
}

const Bytes kExifPrefix = to_bytes(std::string_view("Exif\0\0", 6));
const Bytes kXmpPrefix = to_bytes(std::string_view("http://ns.adobe.com/xap/1.0/\0", 29));
const Bytes kPhotoshop = to_bytes(std::string_view("Photoshop 3.0\0", 14));

OwnedImage small_picture() {
  std::mt19937 random(1);
  return picture(random, 24, 16, {Model::bgr, Depth::u8, false});
}

}  // namespace

TEST_CASE("all metadata goes into a JPEG and comes out the same", "[jpeg]") {
  const Bytes icc = profile(200000, "RGB ");  // four segments
  Metadata in;
  add_block(in, "exif", cleaned_exif(camera_exif(true, 1)));
  add_block(in, "icc", icc);
  add_block(in, "xmp", to_bytes("<x:xmpmeta/>"));
  add_block(in, "iptc", to_bytes("\x1C\x02\x50 odd"));
  add_block(in, "density", density_block({11811, 11811, Density::Unit::per_metre}));
  const Bytes file = encode("jpeg", small_picture(), {}, in);
  CHECK(metadata_of(file) == in);
  const Header header = probe_bytes(file);
  CHECK(header.full.profile_id == profile_id(icc));
  CHECK(header.metadata_bytes == total_bytes(in));
}

TEST_CASE("a file's orientation stands in the header and is gone from the EXIF that is handed on", "[jpeg]") {
  for (const bool big : {false, true})
    for (std::uint16_t o = 1; o <= 8; ++o) {
      const Bytes file = plain_jpeg({.markers = {{0xE1, joined({kExifPrefix, camera_exif(big, o)})}}});
      CHECK(probe_bytes(file).orientation == o);
      const Bytes exif = block(metadata_of(file), "exif");
      CHECK(exif == cleaned_exif(camera_exif(big, o)));
      CHECK(exif_orientation(exif) == 1);
    }
}

TEST_CASE("ICC segments are put in order; an incomplete or foreign profile is left out", "[jpeg]") {
  const Bytes icc = profile(300, "RGB ");
  const Bytes a(icc.begin(), icc.begin() + 100), b(icc.begin() + 100, icc.begin() + 200),
      c(icc.begin() + 200, icc.end());
  const auto icc_of = [](const std::vector<std::pair<int, Bytes>>& markers) {
    return block(metadata_of(plain_jpeg({.markers = markers})), "icc");
  };
  CHECK(icc_of({{0xE2, icc_segment(c, 3, 3)}, {0xE2, icc_segment(a, 1, 3)}, {0xE2, icc_segment(b, 2, 3)}}) == icc);
  CHECK(icc_of({{0xE2, icc_segment(c, 3, 3)}, {0xE2, icc_segment(a, 1, 3)}}).empty());
  CHECK(icc_of({{0xE2, icc_segment(profile(300, "CMYK"), 1, 1)}}).empty());
  const Bytes cmyk =
      plain_jpeg({.color = PlainColor::cmyk, .markers = {{0xE2, icc_segment(profile(300, "CMYK"), 1, 1)}}});
  CHECK(probe_bytes(cmyk).full.profile_id == 0);
}

TEST_CASE("IPTC is found among other Photoshop resources, over several segments", "[jpeg]") {
  const Bytes other =
      joined({to_bytes(std::string_view("8BIM\x03\xED\x04name\0\0\0\0\x03", 16)), to_bytes("abc"), Bytes(1)});
  const Bytes iptc = joined({to_bytes(std::string_view("8BIM\x04\x04\0\0\0\0\0\x06", 12)), to_bytes("caption")});
  const Bytes all = joined({other, iptc});
  const Bytes head(all.begin(), all.begin() + 25), tail(all.begin() + 25, all.end());
  const Bytes file = plain_jpeg({.markers = {{0xED, joined({kPhotoshop, head})}, {0xED, joined({kPhotoshop, tail})}}});
  CHECK(block(metadata_of(file), "iptc") == to_bytes("captio"));
  for (std::size_t cut = 0; cut < all.size() - 1; ++cut) {
    const Bytes part(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(cut));
    CHECK(block(metadata_of(plain_jpeg({.markers = {{0xED, joined({kPhotoshop, part})}}})), "iptc").empty());
    if (cut >= 37) break;  // from here on the record itself is whole
  }
}

TEST_CASE("of two EXIF blocks the first counts; XMP has its own segment", "[jpeg]") {
  const Bytes file = plain_jpeg({.markers = {{0xE1, joined({kXmpPrefix, to_bytes("<first/>")})},
                                             {0xE1, joined({kExifPrefix, camera_exif(false, 3)})},
                                             {0xE1, joined({kExifPrefix, camera_exif(false, 8)})}}});
  CHECK(probe_bytes(file).orientation == 3);
  CHECK(block(metadata_of(file), "xmp") == to_bytes("<first/>"));
}

TEST_CASE("a block that no segment can hold is left out, the file stays whole", "[jpeg]") {
  Metadata in;
  add_block(in, "exif", Bytes(65528));
  add_block(in, "xmp", Bytes(65505, std::byte{'x'}));
  add_block(in, "iptc", Bytes(65536));
  add_block(in, "icc", profile(300, "GRAY"));
  add_block(in, "density", density_block({5000000, 1, Density::Unit::aspect_only}));
  const Metadata out = metadata_of(encode("jpeg", small_picture(), {}, in));
  CHECK(out == Metadata{{"density", density_block({1, 1, Density::Unit::aspect_only})}});
  Metadata fits;
  add_block(fits, "exif", Bytes(65527));
  add_block(fits, "xmp", Bytes(65504, std::byte{'x'}));
  add_block(fits, "iptc", Bytes(65506, std::byte{'i'}));
  Metadata kept = metadata_of(encode("jpeg", small_picture(), {}, fits));
  kept.pop_back();
  CHECK(kept == fits);
}

TEST_CASE("every whole density in inches and centimetres survives JPEG", "[jpeg]") {
  const auto through = [](std::uint32_t per_metre) {
    Metadata in;
    add_block(in, "density", density_block({per_metre, per_metre, Density::Unit::per_metre}));
    return parse_density(block(metadata_of(encode("jpeg", small_picture(), {}, in)), "density")).value().x;
  };
  for (const unsigned dpi : {1u, 72u, 96u, 150u, 240u, 300u, 350u, 600u, 1200u}) {
    const auto per_metre = static_cast<std::uint32_t>(dpi / 0.0254 + 0.5);
    CHECK(through(per_metre) == per_metre);
  }
  for (const unsigned per_cm : {1u, 28u, 72u, 118u, 300u}) CHECK(through(per_cm * 100) == per_cm * 100);
}
