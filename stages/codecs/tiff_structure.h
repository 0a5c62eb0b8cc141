// The directories of a TIFF structure, classic or BigTIFF, of either byte order: read for what libtiff does not tell
// (how many pages, whether every byte that is spoken of is there, EXIF as it was written). libtiff reads the pictures.
// Bounded against hostile files: every offset is checked, directories are visited once.
#pragma once

#include <vector>

#include "stages/codec.h"

namespace tessera::stages {

struct TiffEntry {
  std::uint16_t tag = 0, type = 0;
  std::uint64_t count = 0;
  std::uint64_t value_at = 0, value_bytes = 0;  // where the value lies in the file, inside its entry or elsewhere
};

struct TiffDirectory {
  std::vector<TiffEntry> entries;  // those that lie in the file
  std::uint64_t next = 0;
  std::uint64_t loaded_bytes = 0;  // values of all entries but the places of blocks, as far as the file holds them
  bool complete = false;           // the file holds all entries, what they point at, and the link to the next directory
};

class TiffStructure {
 public:
  /// The source must outlive it. Throws ImageError if it does not begin as a TIFF file.
  explicit TiffStructure(ByteSource&);

  bool big_endian() const { return big_endian_; }
  std::uint64_t file_bytes() const { return source_.size(); }
  std::uint64_t first_directory() const { return first_; }
  TiffDirectory directory(std::uint64_t offset);
  /// Offsets of the pages' directories, in order, without repetition; 65535 at most. A directory outside the file ends
  /// the list.
  std::vector<std::uint64_t> pages();
  /// The value with its numbers in little-endian order; empty if it is larger than `most` bytes or not in the file.
  std::vector<std::byte> value(const TiffEntry&, std::uint64_t most);
  /// A single number of type byte, short, long, IFD or their 64-bit forms; 0 for anything else.
  std::uint64_t number(const TiffEntry&);

 private:
  std::uint64_t bytes_in_file(const TiffEntry&, std::uint64_t unit);
  std::uint64_t unsigned_at(std::uint64_t offset, std::size_t bytes);
  bool inside(std::uint64_t offset, std::uint64_t bytes) const {
    return offset <= source_.size() && bytes <= source_.size() - offset;
  }
  std::size_t offset_bytes() const { return big_tiff_ ? 8 : 4; }
  std::uint64_t entry_bytes() const { return big_tiff_ ? 20 : 12; }

  ByteSource& source_;
  bool big_endian_ = false, big_tiff_ = false;
  std::uint64_t first_ = 0;
};

/// Bytes of one number of that type; 0 for a type that does not exist. source: TIFF 6.0, section 2; BigTIFF.
std::size_t tiff_type_bytes(std::uint16_t type);
/// Bytes of the units that a byte order turns round: a rational is two of four.
std::size_t tiff_unit_bytes(std::uint16_t type);

enum TiffType : std::uint16_t { kTiffByte = 1, kTiffAscii, kTiffShort, kTiffLong, kTiffRational, kTiffUndefined = 7 };
constexpr std::uint16_t kTiffLong8 = 16;

}  // namespace tessera::stages
