// How one page of a TIFF file stores its pixels, read from its tags and checked before anything is allocated.
#pragma once

#include <array>
#include <vector>

#include "stages/codecs/tiff_io.h"

namespace tessera::stages {

struct TiffLayout {
  ImageInfo info;  // as decoded; no profile yet
  bool tiled = false;
  bool separate = false;  // each sample of a pixel in a plane of blocks of its own
  bool inverted = false;  // gray whose 0 is white
  bool associated_alpha = false;
  bool direct = false;                               // blocks are the file's bytes as they are: read without libtiff
  bool fax = false;                                  // a CCITT scheme
  bool swapped = false;                              // direct, 16 bit, and of the other byte order
  std::int32_t block_width = 0, block_height = 0;    // of a tile; of a strip: the image's width, its rows
  std::int32_t bits = 8;                             // of one sample in the file: 1, 2, 4, 8, 16
  std::int32_t samples = 1;                          // of one pixel in the file, alpha and ignored ones included
  std::int32_t alpha_sample = -1;                    // which of them is alpha
  std::vector<std::array<std::uint8_t, 3>> palette;  // blue, green, red; empty: none
  std::int64_t compressed_bytes = 0;                 // of the largest block

  std::int32_t blocks_x() const { return (info.width - 1) / block_width + 1; }
  std::int32_t blocks_y() const { return (info.height - 1) / block_height + 1; }
  std::int32_t planes() const { return separate ? samples : 1; }
  /// Of one row of a decoded block.
  std::int64_t row_bytes() const { return (std::int64_t{block_width} * bits * (separate ? 1 : samples) + 7) / 8; }
  std::int64_t block_bytes() const { return row_bytes() * block_height; }
  /// libtiff's number of a block.
  std::uint32_t index(std::int32_t x, std::int32_t y, std::int32_t plane) const {
    return static_cast<std::uint32_t>((std::int64_t{plane} * blocks_y() + y) * blocks_x() + x);
  }
  /// Pixels of a block, clipped to the image.
  Region block(std::int32_t x, std::int32_t y) const;
};

/// Of the directory that the reader stands on. Throws ImageError with a sentence for what is not decoded.
TiffLayout tiff_layout(TiffReader&, std::uint64_t file_bytes);

}  // namespace tessera::stages
