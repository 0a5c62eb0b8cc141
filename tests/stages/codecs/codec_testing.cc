#include "tests/stages/codecs/codec_testing.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>

#include "stages/codecs/byte_io.h"

namespace tessera::tests {
using namespace stages;

std::vector<Region> bands_of(const ImageInfo& info, std::int32_t multiple, std::mt19937* random) {
  std::vector<Region> bands;
  for (std::int32_t y = 0; y < info.height;) {
    std::int32_t rows = info.height - y;
    if (random)
      rows = std::min(rows, multiple * std::uniform_int_distribution<std::int32_t>(1, 1 + 40 / multiple)(*random));
    bands.push_back({0, y, info.width, y + rows});
    y += rows;
  }
  return bands;
}

Values settings_of(const std::string& codec, const std::vector<Values::Pair>& given) {
  return Values::parse(codec, find_codec(codec)->encode_parameters(), given);
}

Bytes encode(const std::string& codec, const OwnedImage& image, const std::vector<Values::Pair>& settings,
             const Metadata& metadata, std::mt19937* random) {
  const Values values = settings_of(codec, settings);
  const Traits traits = find_codec(codec)->encode_traits(image.info(), values);
  MemorySink sink;
  const auto encoder = find_codec(codec)->encode(sink, image.info(), metadata, values);
  for (const Region& band : bands_of(image.info(), traits.band_multiple, random))
    encoder->write(sub_view(image.info(), image.view(), band));
  encoder->finish();
  return sink.bytes();
}

OwnedImage decode(const Bytes& file, const DecodeRequest& request, std::mt19937* random) {
  MemorySource source(file);
  const Header header = probe(source);
  const Codec& codec = *codecs()[header.codec];
  const Traits traits = codec.decode_traits(header, request);
  OwnedImage image(traits.info);
  const auto decoder = codec.decode(source, request);
  for (const Region& band : bands_of(traits.info, traits.band_multiple, random))
    decoder->read(sub_view(traits.info, image.view(), band));
  decoder->finish();
  return image;
}

Metadata metadata_of(const Bytes& file) {
  MemorySource source(file);
  return codecs()[probe(source).codec]->decode(source, {})->metadata();
}

Header probe_bytes(const Bytes& file) {
  MemorySource source(file);
  return probe(source);
}

namespace {
template <class Visit>
void for_each_row(const OwnedImage& a, const OwnedImage& b, const Visit& visit) {
  for (int p = 0; p < a.info().format.planes(); ++p) {
    const auto pa = a.view().plane(p), pb = b.view().plane(p);
    REQUIRE(pa.width == pb.width);
    REQUIRE(pa.height == pb.height);
    for (std::int32_t y = 0; y < pa.height; ++y)
      visit(pa.row<std::uint8_t>(y), pb.row<std::uint8_t>(y), pa.width * a.info().format.pixel_bytes());
  }
}
}  // namespace

bool same_pixels(const OwnedImage& a, const OwnedImage& b) {
  if (a.info().format != b.info().format || a.info().grid != b.info().grid) return false;
  bool same = true;
  for_each_row(a, b, [&](const std::uint8_t* x, const std::uint8_t* y, int n) {
    same = same && std::memcmp(x, y, static_cast<std::size_t>(n)) == 0;
  });
  return same;
}

double mean_difference(const OwnedImage& a, const OwnedImage& b) {
  double sum = 0, count = 0;
  for_each_row(a, b, [&](const std::uint8_t* x, const std::uint8_t* y, int n) {
    for (int i = 0; i < n; ++i) sum += std::abs(x[i] - y[i]);
    count += n;
  });
  return sum / count;
}

OwnedImage planar_picture(std::mt19937& random, int width, int height, std::uint8_t chroma_x, std::uint8_t chroma_y) {
  ImageInfo info{width, height, {Model::ycbcr_planar, Depth::u8, false}, {}, 0};
  info.grid[1] = info.grid[2] = {chroma_x, chroma_y};
  OwnedImage image(info);
  std::uniform_int_distribution<int> noise(-6, 6);
  for (int p = 0; p < 3; ++p) {
    const auto plane = image.view().plane(p);
    for (std::int32_t y = 0; y < plane.height; ++y)
      for (std::int32_t x = 0; x < plane.width; ++x) {
        const int edge = x > plane.width / 3 ? 60 : 0;
        const int value = 40 + 100 * x / plane.width + 50 * (p + 1) * y / plane.height / 3 + edge + noise(random);
        plane.row<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(std::clamp(value, 0, 255));
      }
  }
  return image;
}

OwnedImage picture(std::mt19937& random, int width, int height, PixelFormat format) {
  return OwnedImage(random_image(random, width, height, format));
}

Bytes to_bytes(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  return to_bytes(text);
}

std::vector<std::filesystem::path> shared_files(const std::string& folder, const std::vector<std::string>& extensions) {
  const std::filesystem::path root = std::filesystem::path(TESSERA_TEST_DATA) / folder;
  std::vector<std::filesystem::path> files;
  if (!std::filesystem::is_directory(root)) {
    WARN("the shared pictures are missing: " << root);
    return files;
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    std::string extension = entry.path().extension().string();
    std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
    if (std::ranges::find(extensions, extension) != extensions.end()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

Bytes profile(std::size_t size, const char* space, unsigned seed) {
  Bytes icc(size);
  std::minstd_rand noise(seed);
  for (std::size_t i = 132; i < size; ++i) icc[i] = static_cast<std::byte>(noise());
  const auto put = [&](std::size_t at, std::string_view text) {
    std::memcpy(icc.data() + at, text.data(), text.size());
  };
  const auto put_u32 = [&](std::size_t at, std::uint64_t v) {
    for (std::size_t i = 0; i < 4; ++i) icc[at + i] = static_cast<std::byte>(v >> (24 - 8 * i));
  };
  put_u32(0, size);
  put_u32(8, 0x04200000);
  put(12, "mntr"), put(16, space), put(20, "XYZ "), put(36, "acsp");
  put_u32(68, 0xF6D6), put_u32(72, 0x10000), put_u32(76, 0xD32D);  // D50
  put_u32(128, 0);                                                 // no tags
  return icc;
}

Bytes camera_exif(bool big_endian, std::uint16_t orientation, std::size_t thumbnail_bytes) {
  Bytes out = to_bytes(big_endian ? std::string_view("MM\0*", 4) : std::string_view("II*\0", 4));
  const auto put = [&](std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) out.push_back(static_cast<std::byte>(value >> 8 * (big_endian ? size - 1 - i : i)));
  };
  const auto entry = [&](unsigned tag, unsigned type, unsigned count, std::uint64_t value) {
    put(tag, 2), put(type, 2), put(count, 4);
    if (type == 3)
      put(value, 2), put(0, 2);
    else
      put(value, 4);
  };
  // header 8 | IFD0 8..50 | text 50..62 | Exif IFD 62..80 | maker note 80..100 | IFD1 100..130 | thumbnail 130..
  put(8, 4);
  put(3, 2), entry(0x0112, 3, 1, orientation), entry(0x8298, 2, 12, 50), entry(0x8769, 4, 1, 62), put(100, 4);
  const Bytes text = to_bytes(std::string_view("(c) tester\0\0", 12));
  out.insert(out.end(), text.begin(), text.end());
  put(1, 2), entry(0x927C, 7, 20, 80), put(0, 4);
  for (int i = 0; i < 20; ++i) put(0xC0u + static_cast<unsigned>(i), 1);
  put(2, 2), entry(0x0201, 4, 1, 130), entry(0x0202, 4, 1, thumbnail_bytes), put(0, 4);
  for (std::size_t i = 0; i < thumbnail_bytes; ++i) put(0x77, 1);
  return out;
}

}  // namespace tessera::tests
