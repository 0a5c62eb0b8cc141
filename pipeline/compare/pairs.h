// Every two of several things that were timed: which differ beyond noise, all of them looked at together.
#pragma once

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

/// The document's "pairs": the rank test of every two samples, corrected for their number; `ratio` is a's time over
/// b's. Significant: p_adjusted <= alpha. No sample may be empty.
Json pairs_of(const std::vector<std::vector<double>>& samples, double alpha, Random&);

struct Difference {
  Ratio ratio;  // of the first one's time to the second one's
  bool significant = false;
  bool slower() const { return significant && ratio.ratio > 1; }
  bool faster() const { return significant && ratio.ratio < 1; }
};
/// What "pairs" say of two, in either order; of one and itself: no difference.
Difference difference(const Json& pairs, std::size_t one, std::size_t other);

Json to_json(const Ratio&);

}  // namespace tessera::pipeline
