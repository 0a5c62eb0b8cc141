// TIFF files made by libtiff's plain interface from a formula, and what a decoder must give of them: the oracle of the
// TIFF tests.
#pragma once

#include "tests/stages/codecs/codec_testing.h"

namespace tessera::tests {

struct PlainTiff {
  int width = 61, height = 43;
  int samples = 3, bits = 8;
  int photometric = 2;  // of the TIFF standard: 0 white is zero, 1 black is zero, 2 RGB, 3 palette
  int compression = 1;  // 1 none, 5 LZW, 8 deflate, 32773 PackBits, 4 fax
  int tile = 0;         // side; 0: strips
  int rows_per_strip = 10;
  bool predictor = false, separate = false, big_endian = false, big_tiff = false;
  int alpha = 0;  // what the last sample is: 0 a colour, 1 multiplied into the colours, 2 not
  int orientation = 1;
  std::string name() const;
};
Bytes plain_tiff(const PlainTiff&);
Bytes plain_tiff_pages(const std::vector<PlainTiff>&);
/// Every sensible combination.
std::vector<PlainTiff> plain_tiff_kinds(int width, int height);
OwnedImage expected_pixels(const PlainTiff&);

/// A file of ours as libtiff's own calls read it: contiguous gray or RGB of 8 or 16 bits.
OwnedImage from_libtiff(const Bytes&);
struct TiffFacts {
  std::string compression;
  bool predictor = false;
  int tile = 0;
  unsigned blocks = 0;
};
TiffFacts tiff_facts(const Bytes&);

}  // namespace tessera::tests
