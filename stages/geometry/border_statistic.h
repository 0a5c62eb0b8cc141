// What trim needs to know of an image: of each row and each column the smallest and the largest sample of each channel,
// and the colour of the top left pixel.
#pragma once

#include <memory>
#include <vector>

#include "stages/stage.h"

namespace tessera::stages {

/// Colours with alpha count as they show: multiplied by it. Every number is stored so that 0 means nothing measured and
/// the larger of two is the merged one: (largest + 1) and (complement of smallest + 1), as 32-bit keys.
std::unique_ptr<const Reduction> border_reduction(const ImageInfo& in);

/// The smallest region outside which every pixel lies within `tolerance` of the border's colour in each channel; empty
/// when that is the whole image or nothing was measured. `color` and `tolerance` are in sample units (0..255, 0..65535,
/// 0..1), colour multiplied by alpha; an empty `color` means the top left pixel.
Region content_region(const ImageInfo& in, ReadBytes statistic, const std::vector<double>& color, double tolerance);

}  // namespace tessera::stages
