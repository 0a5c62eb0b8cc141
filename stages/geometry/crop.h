// The operation behind `crop` and `trim`.
#pragma once

#include <memory>

#include "stages/operation.h"

namespace tessera::stages {

/// The part `window` of the image, which must lie inside it and not be empty. Any format, any grids: where a sample of
/// a coarse plane straddles the window's edge, the plane begins before the image afterwards (its phase says so). Halo
/// none; exact under any tiling.
std::unique_ptr<const Operation> crop_operation(const ImageInfo& in, const Region& window);
ImageInfo cropped_info(const ImageInfo& in, const Region& window);

}  // namespace tessera::stages
