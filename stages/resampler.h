// Resampling: one image at another size, through separable filters. All of it is decided when the operation is made:
// the taps of every output column and row come from the true fractional geometry of the whole image, so any band of the
// output has the bytes of the whole. It knows no geometry text and no fit rules: see geometry/resize.cc.
//
// Method: for each output row, a weighted sum of input rows (vertical pass, over whole rows), then a weighted sum along
// that row (horizontal pass). Row functions: resampler_kernels.h. Taps: resampler_taps.h.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "stages/operation.h"

namespace tessera::stages {

/// nearest      the sample under the output pixel's centre, copied (labels and masks)
/// box          the mean over the output pixel's own footprint (area averaging; whole factors enlarge by replication)
/// triangle     support 1 (bilinear when it enlarges)
/// catmull_rom  support 2, the cubic with B = 0, C = 1/2
/// mitchell     support 2, the cubic with B = C = 1/3
/// lanczos3     support 3, sinc(x) sinc(x/3)
/// On shrink all but nearest widen with the factor, so nothing aliases.
enum class Filter : std::uint8_t { nearest, box, triangle, catmull_rom, mitchell, lanczos3 };
std::span<const std::string_view> filter_names();  // in the order of Filter
Filter filter_from_name(std::string_view name);    // throws std::invalid_argument

/// The whole input becomes width x height pixels; `window` of those is the output (all of it, or a crop).
struct ResampleTarget {
  std::int32_t width = 0, height = 0;
  Region window{};
  std::optional<Grid> chroma{};  // of both chroma planes afterwards; not set: as coarse as they were against the luma
};

/// Size and grids of the result: luma and interleaved planes full-size.
ImageInfo resampled_info(const ImageInfo& in, const ResampleTarget& target);

/// Resamples.
///   in      gray or bgr in any depth, with or without alpha; ycbcr_planar without alpha (any for nearest); any grids
///   out     resampled_info(in, target)
///   halo    exactly the filters' windows
///   border  windows are clipped to the image and renormalised, as Pillow does
///   alpha   colour is weighted by alpha and divided by it afterwards; where alpha rounds to 0 colour is 0.
///           nearest copies samples as they are
///   tiles   exact. u8 and u16 are computed in integers (within 1 level of the real-valued result, see
///           tests/stages/geometry/resampler_test.cc); f32 in a fixed order, colours not clamped, alpha to 0..1
std::unique_ptr<const Operation> resample(const ImageInfo& in, const ResampleTarget& target, Filter filter);

}  // namespace tessera::stages
