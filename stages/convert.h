// Conversions between pixel formats, inserted by the plan where a stage or an encoder needs another format.
#pragma once

#include <memory>

#include "stages/operation.h"
#include "stages/values.h"

namespace tessera::stages {

/// Converts model, depth and alpha in one step.
///   in, out   same size; interleaved full-size planes, or ycbcr_planar (u8) -> bgr with chroma upsampled by replication
///   gray      BT.601 luma, integer (u8, u16), as cv::cvtColor; u8 <-> u16 by * 257 and rounded / 257; f32 = v / max
///   alpha     added opaque; dropped by flattening over `background`
///   halo      none; exact under any tiling
///   throws    std::invalid_argument for a pair that is not supported (to ycbcr_planar)
std::unique_ptr<const Operation> convert_format(const ImageInfo& in, PixelFormat to, const Color& background);

}  // namespace tessera::stages
