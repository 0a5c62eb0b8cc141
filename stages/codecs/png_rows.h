// Rows as a PNG file holds them before compression: RGB order, big-endian samples, filtered (PNG 3rd edition, 9.2).
#pragma once

#include <string_view>
#include <vector>

#include "stages/image.h"

namespace tessera::stages {

/// adaptive: the filter with the least sum of absolute differences, row by row, the first of equal ones.
enum class PngFilter : std::uint8_t { none, sub, up, average, paeth, adaptive };

class PngRowFilter {
 public:
  PngRowFilter(const ImageInfo& info, PngFilter filter);
  /// The filter's number and the filtered row. Rows must ascend, without gaps.
  std::size_t bytes() const { return 1 + row_bytes_; }
  /// `row`: one row of the image as a View holds it. `out` has bytes() bytes.
  void next(const std::byte* row, std::byte* out);

 private:
  void load(const std::byte* row);

  PixelFormat format_;
  PngFilter filter_;
  std::size_t row_bytes_, pixel_bytes_;
  // A pixel of zeros stands before each row: what lies left of the image.
  std::vector<std::uint8_t> now_, before_, candidate_;
};

}  // namespace tessera::stages
