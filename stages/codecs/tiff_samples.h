// Samples as TIFF blocks hold them, to and from the formats of views: RGB against BGR, small bit depths, palettes,
// planes that lie apart, alpha that colours are multiplied by.
#pragma once

#include "stages/codecs/tiff_layout.h"

namespace tessera::stages {

/// Rows of a decoded block; `data` is the first wanted pixel's place in the first wanted row, but for samples of less
/// than 8 bits, where it is the row's start and `skip` pixels come before.
struct TiffRows {
  const std::byte* data = nullptr;
  std::int64_t stride = 0;
  std::int32_t skip = 0;
};

/// Fills `to` with the rows' samples; of separate planes, with those of `plane` only.
void unpack_samples(const TiffLayout&, const TiffRows&, std::int32_t plane, const MutableView& to);
/// What needs all samples of a pixel, once `to` is filled: white that was 0, colours that were multiplied by alpha.
void finish_samples(const TiffLayout&, const MutableView& to);

/// Rows of gray or BGR with or without alpha as TIFF stores them, in this machine's byte order, `stride` bytes apart.
void pack_samples(const View& from, std::byte* to, std::size_t stride);

}  // namespace tessera::stages
