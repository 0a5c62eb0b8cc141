// One row of MCUs as libjpeg's raw data interface wants it: whole blocks of every component, past the image's edges.
// The decoder fills it through libjpeg and copies out, the encoder copies in. Nothing outside codecs/jpeg* includes it.
#pragma once

#include <array>
#include <vector>

#include "stages/codecs/jpeg_io.h"

namespace tessera::stages {

class JpegPlanes {
 public:
  explicit JpegPlanes(const jpeg_decompress_struct&);  // after jpeg_start_decompress
  explicit JpegPlanes(const jpeg_compress_struct&);    // after jpeg_start_compress

  JSAMPIMAGE image() { return image_.data(); }

  /// Decoding: copies out.region, a part of `held`, the full-size rows that the buffer shows. A component that libjpeg
  /// delivers 2^n times finer than its grid in `info` is averaged down, rounded; at the edge over real samples only.
  void copy(const ImageInfo& info, const Region& held, const MutableView& out) const;

  /// Encoding: takes `in`, a part of `held`; its last samples are repeated to the buffer's right edge.
  void take(const ImageInfo& info, const Region& held, const View& in);
  /// Repeats the last rows of `held` to the buffer's lower edge.
  void pad_below(const ImageInfo& info, const Region& held);

 private:
  struct Plane {
    std::int32_t stride = 0, rows = 0;   // of the buffer
    std::int32_t width = 0, height = 0;  // of the whole component, real samples
    std::int32_t shrink = 1;             // buffer samples per sample of the grid, each way
    std::vector<JSAMPLE> samples;
    std::vector<JSAMPROW> row_pointers;
    const JSAMPLE* row(std::int32_t y) const { return samples.data() + y * stride; }
    JSAMPLE* row(std::int32_t y) { return samples.data() + y * stride; }
    void allocate();
  };
  void average(const Plane&, std::int32_t first_row, std::int32_t y, const MutableView::Plane& out,
               std::int32_t out_row) const;
  void point();

  std::array<Plane, 3> planes_;
  std::array<JSAMPARRAY, 3> image_{};
};

}  // namespace tessera::stages
