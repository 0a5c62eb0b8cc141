// The check that stands before every band that a decoder fills.
#pragma once

#include <cassert>

#include "stages/image.h"

namespace tessera::stages {

/// The order of bands is the caller's duty. Their size is not: the caller knows it from an earlier look at a file that
/// may have been replaced since, and rows of another width would be written past the caller's memory.
/// Throws ImageError.
template <class AnyView>
void check_band(const ImageInfo& info, std::int32_t next_row, const AnyView& band) {
  bool fits = band.format == info.format && band.region.x0 == 0 && band.region.x1 == info.width &&
              band.region.y1 <= info.height;
  for (int p = 0; fits && p < info.format.planes(); ++p) {
    const Region s = samples(info, p, band.region);
    fits = band.plane(p).width == s.width() && band.plane(p).height == s.height();
  }
  if (!fits) throw ImageError("the file changed while it was read: it no longer has the size it had");
  assert(band.region.y0 == next_row);
  static_cast<void>(next_row);
}

}  // namespace tessera::stages
