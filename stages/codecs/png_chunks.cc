#include "stages/codecs/png_chunks.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace tessera::stages {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t kSignatureBytes = 8;
constexpr std::size_t kMaxBlockBytes = 16 << 20;
constexpr int kMaxChunks = 1 << 18;  // a file of 8 KB chunks is 2 GB by then; each costs one read of eight bytes
constexpr std::string_view kXmpKeyword = "XML:com.adobe.xmp\0\0"sv;  // the second zero: not compressed

std::uint32_t big_endian(ReadBytes bytes) {
  std::uint32_t v = 0;
  for (const std::byte b : bytes.first(4)) v = v << 8 | std::to_integer<std::uint32_t>(b);
  return v;
}

// Type and data of the chunk at `offset`, if it is whole and its CRC right; else empty.
std::vector<std::byte> checked_chunk(ByteSource& source, std::uint64_t offset, std::size_t length) {
  const ReadBytes lent = source.at(offset + 4, length + 8);
  if (lent.size() < length + 8) return {};
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(lent.data()), static_cast<uInt>(length + 4));
  if (crc != big_endian(lent.subspan(length + 4))) return {};
  return {lent.begin() + 4, lent.begin() + 4 + static_cast<std::ptrdiff_t>(length)};
}

// Keyword, compression flag and method, language, translated keyword, text. source: PNG 3rd edition, 11.3.3.4.
std::vector<std::byte> xmp_of(const std::vector<std::byte>& itxt) {
  if (itxt.size() < kXmpKeyword.size() + 3) return {};
  if (std::memcmp(itxt.data(), kXmpKeyword.data(), kXmpKeyword.size()) != 0) return {};
  auto at = itxt.begin() + static_cast<std::ptrdiff_t>(kXmpKeyword.size()) + 1;
  for (int field = 0; field < 2; ++field) {
    at = std::find(at, itxt.end(), std::byte{0});
    if (at == itxt.end()) return {};
    ++at;
  }
  return {at, itxt.end()};
}

}  // namespace

PngChunks find_png_chunks(ByteSource& source) {
  PngChunks found;
  std::uint64_t offset = kSignatureBytes;
  for (int i = 0; i < kMaxChunks; ++i) {
    const ReadBytes header = source.at(offset, 8);
    if (header.size() < 8) break;
    const std::size_t length = big_endian(header);
    const auto is = [&](const char* type) { return std::memcmp(header.data() + 4, type, 4) == 0; };
    const bool exif = is("eXIf") && found.exif.empty(), text = is("iTXt") && found.xmp.empty();
    if (is("IEND")) break;
    if ((exif || text) && length <= kMaxBlockBytes) {
      std::vector<std::byte> data = checked_chunk(source, offset, length);
      if (exif)
        found.exif = std::move(data);
      else
        found.xmp = xmp_of(data);
    }
    offset += length + 12;
  }
  return found;
}

}  // namespace tessera::stages
