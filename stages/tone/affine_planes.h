// A straight line through the levels, done on planes.
#pragma once

#include <memory>

#include "stages/operation.h"

namespace tessera::stages {

/// slope * v + offset of B, G and R (0..1), on YCbCr: the luma gets the same, the chroma is scaled around its middle,
/// because the conversion is linear and its luma weights sum to 1. That is the same picture as long as no level is
/// clipped, which `keeps_range` tells of all levels at once.
///   in      ycbcr_planar u8 without alpha, any grids
///   out     the same; rounded half up
///   halo    none; exact under any tiling
std::unique_ptr<const Operation> affine_planes(const ImageInfo& in, double slope, double offset);
/// True if 0..1 stays inside 0..1.
bool keeps_range(double slope, double offset);

}  // namespace tessera::stages
