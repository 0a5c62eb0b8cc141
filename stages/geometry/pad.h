// The operation behind `pad`, and behind `resize fit=pad`.
#pragma once

#include <memory>

#include "stages/operation.h"
#include "stages/values.h"

namespace tessera::stages {

/// The image with its top left pixel at (left, top) of a canvas of width x height, which holds all of it.
///   in      a format that can hold the background (format_for_background); any grids: a sample that lies partly on the
///           image is the image's
///   border  the background, rounded to the image's depth
///   halo    none; exact under any tiling
std::unique_ptr<const Operation> pad_operation(const ImageInfo& in, std::int32_t left, std::int32_t top,
                                               std::int32_t width, std::int32_t height, const Color& background);

ImageInfo padded_info(const ImageInfo& in, std::int32_t left, std::int32_t top, std::int32_t width,
                      std::int32_t height);

}  // namespace tessera::stages
