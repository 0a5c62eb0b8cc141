#include "stages/codecs/metadata.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tessera::stages {
namespace {

constexpr std::uint16_t kOrientation = 0x0112, kStripOffsets = 0x0111, kStripByteCounts = 0x0117;
constexpr std::uint16_t kThumbnailOffset = 0x0201, kThumbnailBytes = 0x0202;
constexpr std::uint16_t kExifIfd = 0x8769, kGpsIfd = 0x8825, kInteropIfd = 0xA005;
constexpr std::uint16_t kByte = 1, kShort = 3, kLong = 4;

struct Range {
  std::uint64_t begin = 0, end = 0;
  bool empty() const { return begin >= end; }
  bool overlaps(const Range& o) const { return begin < o.end && o.begin < end; }
};

struct Entry {
  std::uint64_t at = 0;  // offset of the entry itself
  std::uint16_t tag = 0, type = 0;
  std::uint32_t count = 0;
};

// A TIFF structure. Reads outside it give zero, so a broken offset leads to an empty directory and nowhere else.
class Tiff {
 public:
  explicit Tiff(ReadBytes bytes) : bytes_(bytes) {
    const auto starts = [&](const char* magic) {
      return bytes.size() >= 8 && std::memcmp(bytes.data(), magic, 4) == 0;
    };
    big_endian_ = starts("MM\0*");
    valid_ = big_endian_ || starts("II*\0");
  }
  bool valid() const { return valid_; }
  bool big_endian() const { return big_endian_; }

  std::uint16_t u16(std::uint64_t at) const { return static_cast<std::uint16_t>(value(at, 2)); }
  std::uint32_t u32(std::uint64_t at) const { return static_cast<std::uint32_t>(value(at, 4)); }

  /// Entries of the directory at `offset`; of a directory that reaches past the end, those that lie inside.
  std::vector<Entry> entries(std::uint64_t offset) const {
    std::vector<Entry> found;
    if (offset < 8 || offset + 2 > bytes_.size()) return found;
    const std::uint64_t fit = (bytes_.size() - offset - 2) / 12;
    const std::uint64_t count = std::min<std::uint64_t>(u16(offset), fit);
    found.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t at = offset + 2 + i * 12;
      found.push_back({at, u16(at), u16(at + 2), u32(at + 4)});
    }
    return found;
  }
  Range directory(std::uint64_t offset) const {
    return {offset, std::min<std::uint64_t>(offset + 2 + entries(offset).size() * 12 + 4, bytes_.size())};
  }
  /// Where the entry's value lies when it does not fit into the entry; empty if it does, or lies outside.
  Range value_range(const Entry& e) const {
    static constexpr std::array<std::uint8_t, 13> kTypeBytes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
    const std::uint64_t size = e.type < kTypeBytes.size() ? std::uint64_t{kTypeBytes[e.type]} * e.count : 0;
    const std::uint64_t begin = u32(e.at + 8);
    if (size <= 4 || begin >= bytes_.size()) return {};
    return {begin, std::min<std::uint64_t>(begin + size, bytes_.size())};
  }
  /// A single number of type byte, short or long; 0 for anything else.
  std::uint32_t number(const Entry& e) const {
    if (e.count != 1) return 0;
    if (e.type == kLong) return u32(e.at + 8);
    if (e.type == kShort) return u16(e.at + 8);
    return e.type == kByte ? static_cast<std::uint32_t>(value(e.at + 8, 1)) : 0;
  }

 private:
  std::uint64_t value(std::uint64_t at, std::size_t size) const {
    if (at + size > bytes_.size()) return 0;
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < size; ++i)
      v = v << 8 | std::to_integer<std::uint64_t>(bytes_[at + (big_endian_ ? i : size - 1 - i)]);
    return v;
  }

  ReadBytes bytes_;
  bool valid_ = false, big_endian_ = false;
};

// Bytes that the structure still needs: header, IFD0, the EXIF, GPS and interoperability directories, their values.
// One level each, so a directory that points at itself is read once more and no further.
std::vector<Range> live_ranges(const Tiff& tiff) {
  std::vector<Range> live{{0, 8}};
  std::vector<std::uint64_t> directories{tiff.u32(4)};
  for (std::size_t i = 0; i < directories.size() && i < 4; ++i) {
    live.push_back(tiff.directory(directories[i]));
    for (const Entry& e : tiff.entries(directories[i])) {
      if (const Range value = tiff.value_range(e); !value.empty()) live.push_back(value);
      if (e.tag == kExifIfd || e.tag == kGpsIfd || e.tag == kInteropIfd) directories.push_back(tiff.number(e));
    }
  }
  return live;
}

Range thumbnail_range(const Tiff& tiff, std::uint64_t ifd1, std::uint64_t size) {
  std::uint64_t begin = 0, bytes = 0;
  for (const Entry& e : tiff.entries(ifd1)) {
    if (e.tag == kThumbnailOffset || (e.tag == kStripOffsets && begin == 0)) begin = tiff.number(e);
    if (e.tag == kThumbnailBytes || (e.tag == kStripByteCounts && bytes == 0)) bytes = tiff.number(e);
  }
  if (begin < 8 || begin >= size) return {};
  return {begin, std::min<std::uint64_t>(begin + bytes, size)};
}

void drop_ifd1(const Tiff& tiff, std::vector<std::byte>& out) {
  const std::uint64_t ifd0 = tiff.u32(4), link = ifd0 + 2 + tiff.entries(ifd0).size() * 12;
  if (ifd0 < 8 || link + 4 > out.size()) return;
  const std::uint64_t ifd1 = tiff.u32(link);
  const std::vector<Range> live = live_ranges(tiff);
  const Range thumbnail = thumbnail_range(tiff, ifd1, out.size());
  const auto is_dead = [&](const Range& r) {
    return !r.empty() && std::ranges::none_of(live, [&](const Range& l) { return l.overlaps(r); });
  };
  const auto fill = [&](const Range& r) {
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(r.begin), out.begin() + static_cast<std::ptrdiff_t>(r.end),
              std::byte{0});
  };
  fill({link, link + 4});
  if (ifd1 < 8 || ifd1 >= out.size()) return;
  if (const Range directory = tiff.directory(ifd1); is_dead(directory)) fill(directory);
  if (!is_dead(thumbnail)) return;
  fill(thumbnail);
  const std::uint64_t live_end = std::ranges::max(live, {}, &Range::end).end;
  if (thumbnail.begin >= live_end && thumbnail.end + 1 >= out.size()) out.resize(thumbnail.begin);  // + 1: padding
}

std::uint32_t little_endian(ReadBytes bytes, std::size_t at) {
  std::uint32_t v = 0;
  for (std::size_t i = 4; i-- > 0;) v = v << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  return v;
}

}  // namespace

ReadBytes find_block(const Metadata& metadata, std::string_view name) {
  const auto block = std::ranges::find(metadata, name, [](const auto& b) { return std::string_view(b.first); });
  return block == metadata.end() ? ReadBytes{} : ReadBytes(block->second);
}

void add_block(Metadata& metadata, std::string_view name, ReadBytes bytes) {
  if (!bytes.empty()) metadata.emplace_back(name, std::vector<std::byte>(bytes.begin(), bytes.end()));
}

std::uint32_t total_bytes(const Metadata& metadata) {
  std::size_t sum = 0;
  for (const auto& block : metadata) sum += block.second.size();
  return static_cast<std::uint32_t>(sum);
}

std::uint8_t exif_orientation(ReadBytes exif) {
  const Tiff tiff(exif);
  if (!tiff.valid()) return 1;
  for (const Entry& e : tiff.entries(tiff.u32(4)))
    if (e.tag == kOrientation) {
      const std::uint32_t value = tiff.number(e);
      return value >= 1 && value <= 8 ? static_cast<std::uint8_t>(value) : std::uint8_t{1};
    }
  return 1;
}

std::vector<std::byte> cleaned_exif(ReadBytes exif) {
  std::vector<std::byte> out(exif.begin(), exif.end());
  const Tiff tiff(exif);
  if (!tiff.valid()) return out;
  for (const Entry& e : tiff.entries(tiff.u32(4))) {
    if (e.tag != kOrientation) continue;
    // Written as one short whatever it was: the value field is the entry's last four bytes.
    const std::array<std::uint8_t, 10> big{0, kShort, 0, 0, 0, 1, 0, 1, 0, 0};
    const std::array<std::uint8_t, 10> little{kShort, 0, 1, 0, 0, 0, 1, 0, 0, 0};
    std::memcpy(out.data() + e.at + 2, (tiff.big_endian() ? big : little).data(), 10);
  }
  drop_ifd1(tiff, out);
  return out;
}

std::vector<std::byte> density_block(const Density& density) {
  std::vector<std::byte> block;
  for (const std::uint32_t v : {density.x, density.y, static_cast<std::uint32_t>(density.unit)})
    for (int shift = 0; shift < 32; shift += 8) block.push_back(static_cast<std::byte>(v >> shift));
  return block;
}

std::optional<Density> parse_density(ReadBytes block) {
  if (block.size() != 12) return std::nullopt;
  const std::uint32_t x = little_endian(block, 0), y = little_endian(block, 4), unit = little_endian(block, 8);
  if (x == 0 || y == 0 || unit > 1) return std::nullopt;
  return Density{x, y, static_cast<Density::Unit>(unit)};
}

std::uint64_t profile_id(ReadBytes icc) {
  return icc.empty() ? 0 : std::max<std::uint64_t>(1, XXH3_64bits(icc.data(), icc.size()));
}

bool profile_fits(ReadBytes icc, Model model) {
  if (icc.size() < 132 || std::memcmp(icc.data() + 36, "acsp", 4) != 0) return false;
  return std::memcmp(icc.data() + 16, model == Model::gray ? "GRAY" : "RGB ", 4) == 0;
}

}  // namespace tessera::stages
