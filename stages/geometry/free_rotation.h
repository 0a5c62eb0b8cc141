// Rotation by any angle. Quarter turns are exact and live in turn.h.
#pragma once

#include <memory>

#include "stages/operation.h"
#include "stages/values.h"

namespace tessera::stages {

/// Turns the image clockwise about its centre onto a canvas that holds all of it.
///   in      interleaved, full-size planes, a format that can hold the background (format_for_background)
///   out     ceil(width |cos| + height |sin|) by ceil(width |sin| + height |cos|), same format
///   filter  Catmull-Rom over 4x4 samples, at positions rounded to 1/1024 of a sample
///   border  outside the image lies the background, so the edge is blended with it over a pixel
///   alpha   colour is weighted by alpha; where alpha rounds to 0 colour is 0
///   tiles   exact: positions are integers (2^-32 of a sample) computed from each output pixel alone
std::unique_ptr<const Operation> free_rotation(const ImageInfo& in, double degrees, const Color& background);
ImageInfo rotated_info(const ImageInfo& in, double degrees);

}  // namespace tessera::stages
