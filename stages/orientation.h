// EXIF orientation as an operation, so that every stage after it sees the picture upright.
#pragma once

#include <memory>
#include <vector>

#include "stages/geometry/turn.h"

namespace tessera::stages {

/// Numbers other than 1..8, which files do contain, mean 1.
Turn orientation_turn(int exif_orientation);

/// What turns an image stored with EXIF orientation 1..8 upright: nothing, or one operation. Any format, any grids
/// (scaled decodes and chroma planes keep their true extents); exact.
std::vector<std::unique_ptr<const Operation>> orientation_operations(const ImageInfo& in, int exif_orientation);

/// The image as it comes out of them.
ImageInfo oriented_info(const ImageInfo& in, int exif_orientation);

}  // namespace tessera::stages
