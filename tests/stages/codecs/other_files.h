// Files and pixels made by the libraries' own plain interfaces, without our codecs: the oracle for decoding, and the
// kinds of files that our encoders do not write.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/stages/codecs/codec_testing.h"

namespace tessera::tests {

/// libjpeg's decoder at its defaults from memory. samples[(y * width + x) * channels + c].
struct PlainPixels {
  int width = 0, height = 0, channels = 0;
  std::vector<std::uint8_t> samples;
};
enum class PlainColor { rgb, gray, ycbcr, ycbcr_replicated, cmyk };
PlainPixels plain_jpeg_decode(const Bytes& file, PlainColor, unsigned scale_denominator = 1);

struct PlainJpeg {
  int width = 64, height = 48;
  PlainColor color = PlainColor::rgb;  // what is stored: rgb (Adobe RGB), ycbcr, gray, cmyk
  bool ycck = false, adobe = true, progressive = false, arithmetic = false;
  int h = 1, v = 1;    // sampling factors of the first component
  int h2 = 1, v2 = 1;  // of the second
  int restart_rows = 0;
  std::vector<std::pair<int, Bytes>> markers = {};  // written after the start
};
/// A gradient with an edge; the same picture for the same size.
Bytes plain_jpeg(const PlainJpeg&);

/// libjpeg's own encoding of a picture in planes without subsampling, at `quality`: the padding is libjpeg's.
Bytes plain_jpeg_of(const OwnedImage& planar_444, int quality);

struct PlainPng {
  int width = 9, height = 7;
  int color_type = 2, depth = 8;
  bool interlaced = false, transparent = false;  // transparent: a tRNS chunk
  bool stored = false;                           // no compression, so that bytes and rows keep step
};
/// Packed sample values of pixel (x, y), channel c: (x * 3 + y * 5 + c * 7) mod 2^depth (a palette has all its
/// entries).
unsigned plain_png_sample(const PlainPng&, int x, int y, int c);
/// Palette entry i is (i * 11, i * 7 + 3, 255 - i * 5) mod 256; its alpha i * 16 mod 256 when transparent.
Bytes plain_png(const PlainPng&);

/// Chunks inserted after IHDR, or before IEND.
Bytes with_png_chunk(const Bytes& png, const char* type, const Bytes& data, bool at_end);

}  // namespace tessera::tests
