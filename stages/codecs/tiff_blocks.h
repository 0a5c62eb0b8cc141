// Any rectangle of a TIFF page, block by block (a block is a tile or a strip). Uncompressed blocks are read straight
// from the file, only the wanted rows of them. Compressed ones are decoded whole; of the last row of blocks those are
// kept that reach below the rectangle, so that ascending bands decode every block once. Strips too large to keep are
// decoded row by row.
#pragma once

#include <vector>

#include "stages/codecs/tiff_layout.h"
#include "stages/codecs/tiff_samples.h"

namespace tessera::stages {

class TiffBlocks {
 public:
  /// The reader stands on the page's directory; it and the source must outlive this.
  TiffBlocks(ByteSource&, TiffReader&, const TiffLayout&, FailOn);

  /// Fills `out`, whose region lies inside the image. Throws ImageError; with FailOn::none, what cannot be read is 0.
  void read(const MutableView& out);
  /// Throws ImageError unless the file holds every block's bytes.
  void check_extents();

  /// True if blocks are strips too large to keep, which only ascending bands decode once.
  static bool by_rows(const TiffLayout&);
  /// What it and the source's buffer allocate at most, beside the reader.
  static std::uint64_t bytes(const TiffLayout&);

 private:
  struct Place {
    std::int32_t x = 0, y = 0, plane = 0;
  };
  void read_direct(const Place&, const Region& part, const MutableView& out);
  void clear_direct(const Place&, const MutableView& out);
  void read_rows(const Place&, const Region& part, const MutableView& out);
  void read_decoded(const Place&, const Region& part, const MutableView& out);
  void decode(const Place&, std::byte* to);
  /// Runs a read; false if it failed and fail-on none lets the decoder go on.
  template <class Read>
  bool tolerate(const Read&);
  std::int64_t column_bytes(std::int32_t columns) const {
    return std::int64_t{columns} * (layout_.bits / 8) * (layout_.separate ? 1 : layout_.samples);
  }

  ByteSource& source_;
  TiffReader& reader_;
  const TiffLayout& layout_;
  FailOn fail_on_;
  std::vector<std::byte> block_;  // one decoded block, one row of a large strip, or a direct row of zeros
  std::vector<std::byte> kept_;   // the row of blocks kept_row_, [plane][x]
  std::vector<bool> is_kept_;
  std::int32_t kept_row_ = -1;
  std::int64_t next_row_ = -1;  // of the image: the row that libtiff would decode next; -1: a strip must be begun
};

}  // namespace tessera::stages
