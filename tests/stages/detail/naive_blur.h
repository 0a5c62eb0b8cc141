// The blurs' oracle: a separable sum in double, over colours weighted by alpha, nothing rounded.
#pragma once

#include "tests/stages/naive.h"

namespace tessera::tests {

/// weights[k] is that of the pixels k - radius away; they need not be normalised.
NaiveImage naive_blur(const NaiveImage& image, const std::vector<double>& weights);
NaiveImage naive_gaussian(const NaiveImage& image, double sigma_px);

}  // namespace tessera::tests
