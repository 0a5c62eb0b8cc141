#include "stages/codecs/tiff_structure.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_set>

namespace tessera::stages {
namespace {

constexpr std::size_t kMaxPages = 65535;
constexpr std::uint64_t kMaxEntries = 4096;  // of one directory; real ones have a few dozen
// Offsets and sizes of strips and tiles: their number is checked against the blocks that there are.
constexpr std::array<std::uint16_t, 4> kPlacesOfBlocks{273, 279, 324, 325};

}  // namespace

std::size_t tiff_type_bytes(std::uint16_t type) {
  static constexpr std::array<std::uint8_t, 19> kBytes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
  return type < kBytes.size() ? kBytes[type] : 0;
}

std::size_t tiff_unit_bytes(std::uint16_t type) {
  const bool rational = type == 5 || type == 10;
  return rational ? 4 : tiff_type_bytes(type);
}

TiffStructure::TiffStructure(ByteSource& source) : source_(source) {
  const ReadBytes start = source.at(0, 16);
  const auto starts = [&](const char* magic) { return start.size() >= 8 && std::memcmp(start.data(), magic, 4) == 0; };
  big_endian_ = starts("MM\0*") || starts("MM\0+");
  big_tiff_ = starts("II+\0") || starts("MM\0+");
  if (!big_endian_ && !big_tiff_ && !starts("II*\0")) throw ImageError("TIFF: the file does not begin as one");
  if (big_tiff_ && start.size() < 16) throw ImageError("truncated TIFF: the file ends in its header");
  first_ = unsigned_at(big_tiff_ ? 8 : 4, offset_bytes());
}

std::uint64_t TiffStructure::unsigned_at(std::uint64_t offset, std::size_t bytes) {
  const ReadBytes got = source_.at(offset, bytes);
  if (got.size() < bytes) return 0;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    value = value << 8 | std::to_integer<std::uint64_t>(got[big_endian_ ? i : bytes - 1 - i]);
  return value;
}

TiffDirectory TiffStructure::directory(std::uint64_t offset) {
  TiffDirectory found;
  const std::size_t count_bytes = big_tiff_ ? 8 : 2;
  if (offset < 8 || !inside(offset, count_bytes)) return found;
  const std::uint64_t entries = unsigned_at(offset, count_bytes), first = offset + count_bytes;
  const std::uint64_t fit = std::min((source_.size() - first) / entry_bytes(), kMaxEntries);
  found.complete = entries <= fit && inside(first + entries * entry_bytes(), offset_bytes());
  if (found.complete) found.next = unsigned_at(first + entries * entry_bytes(), offset_bytes());
  for (std::uint64_t i = 0; i < std::min(entries, fit); ++i) {
    const std::uint64_t at = first + i * entry_bytes(), value_at = at + 4 + offset_bytes();
    TiffEntry e{static_cast<std::uint16_t>(unsigned_at(at, 2)), static_cast<std::uint16_t>(unsigned_at(at + 2, 2)),
                unsigned_at(at + 4, offset_bytes()), value_at, 0};
    const std::uint64_t size = tiff_type_bytes(e.type);
    const bool places = std::ranges::find(kPlacesOfBlocks, e.tag) != kPlacesOfBlocks.end();
    if (!places && size > 0) found.loaded_bytes += bytes_in_file(e, size);
    if (size > 0 && e.count > source_.size() / size) {
      found.complete = false;
      continue;
    }
    e.value_bytes = e.count * size;
    if (e.value_bytes > offset_bytes()) e.value_at = unsigned_at(value_at, offset_bytes());
    if (inside(e.value_at, e.value_bytes))
      found.entries.push_back(e);
    else
      found.complete = false;
  }
  return found;
}

std::uint64_t TiffStructure::bytes_in_file(const TiffEntry& e, std::uint64_t unit) {
  const bool elsewhere = e.count > offset_bytes() / unit;
  const std::uint64_t at = elsewhere ? unsigned_at(e.value_at, offset_bytes()) : e.value_at;
  return std::min(e.count, (source_.size() - std::min(source_.size(), at)) / unit) * unit;
}

std::vector<std::uint64_t> TiffStructure::pages() {
  std::vector<std::uint64_t> offsets;
  std::unordered_set<std::uint64_t> seen;
  for (std::uint64_t at = first_; offsets.size() < kMaxPages && seen.insert(at).second;) {
    const std::size_t count_bytes = big_tiff_ ? 8 : 2;
    if (at < 8 || !inside(at, count_bytes)) break;
    offsets.push_back(at);
    const std::uint64_t entries = unsigned_at(at, count_bytes);
    if (entries > source_.size() / entry_bytes()) break;
    at = unsigned_at(at + count_bytes + entries * entry_bytes(), offset_bytes());
  }
  return offsets;
}

std::vector<std::byte> TiffStructure::value(const TiffEntry& e, std::uint64_t most) {
  if (e.value_bytes == 0 || e.value_bytes > most) return {};
  const ReadBytes got = source_.at(e.value_at, static_cast<std::size_t>(e.value_bytes));
  if (got.size() < e.value_bytes) return {};
  std::vector<std::byte> bytes(got.begin(), got.end());
  const auto unit = static_cast<std::ptrdiff_t>(tiff_unit_bytes(e.type));
  if (big_endian_ && unit > 1)
    for (auto at = bytes.begin(); at != bytes.end(); at += unit) std::reverse(at, at + unit);
  return bytes;
}

std::uint64_t TiffStructure::number(const TiffEntry& e) {
  const bool known = e.type == kTiffByte || e.type == kTiffShort || e.type == kTiffLong || e.type == 13 ||
                     e.type == kTiffLong8 || e.type == 18;
  return e.count == 1 && known ? unsigned_at(e.value_at, tiff_type_bytes(e.type)) : 0;
}

}  // namespace tessera::stages
