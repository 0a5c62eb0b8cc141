#include "stages/codecs/tiff_tags.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tessera::stages {
namespace {

constexpr std::uint16_t kExifIfd = 34665, kGpsIfd = 34853, kInteropIfd = 40965;
constexpr std::uint64_t kMaxValueBytes = 64 << 10;
// Of all tags of one picture: values may share bytes of the file and pointers name one directory, so that a small file
// could become a large block.
constexpr std::uint64_t kMaxTagBytes = 1 << 20;
constexpr std::uint64_t kEntryBytes = 8;  // of a tag, beside its value
// Description, maker, model, software, date, artist, host, rating, copyright, and what Windows' Explorer writes.
constexpr std::array<std::uint16_t, 15> kDescriptive{270,   271,   272,   305,   306,   315,   316,  18246,
                                                     18249, 33432, 40091, 40092, 40093, 40094, 40095};

void put(std::vector<std::byte>& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}

/// Takes what it reads from `budget`; tags that do not fit into what is left of it are left out.
std::vector<TiffTag> read_tags(TiffStructure& tiff, const TiffDirectory& directory, bool descriptive_only,
                               std::uint64_t& budget) {
  std::vector<TiffTag> tags;
  for (const TiffEntry& e : directory.entries) {
    if (descriptive_only && std::ranges::find(kDescriptive, e.tag) == kDescriptive.end()) continue;
    const bool pointer = e.tag == kExifIfd || e.tag == kGpsIfd || e.tag == kInteropIfd;
    const bool wide = e.type >= kTiffLong8;  // not in the classic structure that an EXIF block is
    const bool twice = std::ranges::find(tags, e.tag, &TiffTag::tag) != tags.end();
    if (pointer || wide || twice || e.value_bytes + kEntryBytes > budget) continue;
    std::vector<std::byte> value = tiff.value(e, kMaxValueBytes);
    if (value.empty()) continue;
    budget -= e.value_bytes + kEntryBytes;
    tags.push_back({e.tag, e.type, e.count, std::move(value)});
  }
  std::ranges::stable_sort(tags, {}, &TiffTag::tag);
  return tags;
}

std::vector<TiffTag> tags_below(TiffStructure& tiff, const TiffDirectory& directory, std::uint16_t pointer,
                                std::uint64_t& budget) {
  const auto entry = std::ranges::find(directory.entries, pointer, &TiffEntry::tag);
  if (entry == directory.entries.end()) return {};
  return read_tags(tiff, tiff.directory(tiff.number(*entry)), false, budget);
}

/// Appends directories to bytes that begin at `offset` in their file.
class DirectoryWriter {
 public:
  DirectoryWriter(std::uint64_t offset, bool big_tiff) : offset_(offset), big_tiff_(big_tiff) {}

  /// Returns where the directory lies in the file.
  std::uint64_t add(std::vector<TiffTag> tags) {
    std::ranges::stable_sort(tags, {}, &TiffTag::tag);
    const std::size_t field = big_tiff_ ? 8 : 4;
    std::vector<std::uint64_t> places(tags.size());
    for (std::size_t i = 0; i < tags.size(); ++i)
      if (tags[i].value.size() > field) {
        align();
        places[i] = offset_ + bytes.size();
        bytes.insert(bytes.end(), tags[i].value.begin(), tags[i].value.end());
      }
    align();
    const std::uint64_t at = offset_ + bytes.size();
    put(bytes, tags.size(), big_tiff_ ? 8 : 2);
    for (std::size_t i = 0; i < tags.size(); ++i) {
      put(bytes, tags[i].tag, 2);
      put(bytes, tags[i].type, 2);
      put(bytes, tags[i].count, field);
      if (places[i] != 0) {
        put(bytes, places[i], field);
        continue;
      }
      bytes.insert(bytes.end(), tags[i].value.begin(), tags[i].value.end());
      bytes.resize(bytes.size() + field - tags[i].value.size());
    }
    put(bytes, 0, field);  // no further directory
    return at;
  }
  TiffTag pointer(std::uint16_t tag, const std::vector<TiffTag>& below) {
    const std::uint64_t at = add(below);
    TiffTag link{tag, big_tiff_ ? kTiffLong8 : std::uint16_t{kTiffLong}, 1, {}};
    put(link.value, at, big_tiff_ ? 8 : 4);
    return link;
  }

  std::vector<std::byte> bytes;

 private:
  void align() {
    while ((offset_ + bytes.size()) % 8 != 0) bytes.push_back(std::byte{0});
  }
  std::uint64_t offset_;
  bool big_tiff_;
};

}  // namespace

TiffTag short_tag(std::uint16_t tag, std::initializer_list<std::uint16_t> values) {
  TiffTag made{tag, kTiffShort, values.size(), {}};
  for (const std::uint16_t v : values) put(made.value, v, 2);
  return made;
}

TiffTag long_tag(std::uint16_t tag, std::uint32_t value) {
  TiffTag made{tag, kTiffLong, 1, {}};
  put(made.value, value, 4);
  return made;
}

TiffTag bytes_tag(std::uint16_t tag, std::uint16_t type, ReadBytes value) {
  return {tag, type, value.size(), {value.begin(), value.end()}};
}

ExifTags read_exif_tags(TiffStructure& tiff, std::uint64_t offset) {
  const TiffDirectory main = tiff.directory(offset);
  std::uint64_t budget = std::min(tiff.file_bytes(), kMaxTagBytes);
  ExifTags tags;
  tags.image = read_tags(tiff, main, true, budget);
  tags.exif = tags_below(tiff, main, kExifIfd, budget);
  tags.gps = tags_below(tiff, main, kGpsIfd, budget);
  const auto exif = std::ranges::find(main.entries, kExifIfd, &TiffEntry::tag);
  if (exif != main.entries.end())
    tags.interop = tags_below(tiff, tiff.directory(tiff.number(*exif)), kInteropIfd, budget);
  return tags;
}

std::vector<std::byte> exif_block(const ExifTags& tags) {
  if (tags.empty()) return {};
  const TiffDirectoryBytes directory = tiff_directory_bytes({}, tags, 8, false);
  std::vector<std::byte> block = tiff_header(directory.directory_at, false);
  block.insert(block.end(), directory.bytes.begin(), directory.bytes.end());
  return block;
}

TiffDirectoryBytes tiff_directory_bytes(std::vector<TiffTag> main, const ExifTags& below, std::uint64_t offset,
                                        bool big_tiff) {
  DirectoryWriter writer(offset, big_tiff);
  main.insert(main.end(), below.image.begin(), below.image.end());
  std::vector<TiffTag> exif = below.exif;
  if (!below.interop.empty()) exif.push_back(writer.pointer(kInteropIfd, below.interop));
  if (!exif.empty()) main.push_back(writer.pointer(kExifIfd, exif));
  if (!below.gps.empty()) main.push_back(writer.pointer(kGpsIfd, below.gps));
  const std::uint64_t at = writer.add(std::move(main));
  return {std::move(writer.bytes), at};
}

std::vector<std::byte> tiff_header(std::uint64_t directory_at, bool big_tiff) {
  std::vector<std::byte> header{std::byte{'I'}, std::byte{'I'}};
  put(header, big_tiff ? 43 : 42, 2);
  if (big_tiff) put(header, 8, 2), put(header, 0, 2);
  put(header, directory_at, big_tiff ? 8 : 4);
  return header;
}

std::vector<TiffTag> density_tags(const Density& density) {
  // Whole dots per inch or centimetre where the number is one of those, else hundredths of a pixel per centimetre.
  const auto per_inch = [](std::uint32_t v) { return static_cast<std::uint32_t>(std::lround(v * 0.0254)); };
  const auto is_per_inch = [&](std::uint32_t v) { return std::lround(per_inch(v) / 0.0254) == static_cast<long>(v); };
  const bool metric = density.unit == Density::Unit::per_metre;
  const bool inches = metric && is_per_inch(density.x) && is_per_inch(density.y);
  const auto ratio = [&](std::uint16_t tag, std::uint32_t v) {
    TiffTag made{tag, kTiffRational, 1, {}};
    put(made.value, inches ? per_inch(v) : v, 4);
    put(made.value, metric && !inches ? 100 : 1, 4);
    return made;
  };
  const std::uint16_t unit = !metric ? 1 : inches ? 2 : 3;
  return {ratio(282, density.x), ratio(283, density.y), short_tag(296, {unit})};
}

}  // namespace tessera::stages
