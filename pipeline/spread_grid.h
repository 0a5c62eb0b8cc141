// How the decoder's frame of a spread image is cut into parts, and which of its rows each band needs: what says when a
// band may start, when a part may go, and how little memory the image takes. Pure, so that coordinator and worker
// agree.
#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/plan.h"

namespace tessera::pipeline {

/// Full-width parts of plan.frames[0], decoded by a job and leased as a block each. Parts first .. last are wanted:
/// those before are passed over (rows codecs decode them all the same), those behind are never decoded.
struct PartGrid {
  std::int32_t rows = 0;  // a multiple of 16 and of the decoder's band_multiple; the last part may have fewer
  std::int32_t count = 0, first = 0, last = 0;
  stages::ImageInfo info;

  stages::Region part(std::int32_t index) const;
  std::int32_t holding(std::int32_t row) const { return row / rows; }
  std::uint64_t bytes(std::int32_t index) const;
  /// Of the parts that hold rows y0 .. y1 - 1.
  std::uint64_t bytes_of_rows(std::int32_t y0, std::int32_t y1) const;
};
/// `plan`: by the spread route, its `windowed` filled in.
PartGrid part_grid(const ImagePlan& plan);

struct Rows {
  std::int32_t y0 = 0, y1 = 0;
};
/// Rows of the pass's input for each of its bands. All of them where a statistic has a say: nobody but a job reads one.
std::vector<Rows> band_needs(const Pass&);

/// True if a spread image may go through a window of parts: one pass from the decoder's frame into one product, whose
/// bands move down the image and need a small part of it at a time.
bool may_be_windowed(const ImagePlan&);
/// The least bytes of blocks with which the bands of a windowed plan can be rendered one after the other.
std::uint64_t least_window_bytes(const ImagePlan&);

}  // namespace tessera::pipeline
