// Which input samples make which output samples, and with what weights: one axis of one plane, for the whole image.
#pragma once

#include <vector>

#include "stages/resampler.h"

namespace tessera::stages {

/// One axis of one plane, from the input's samples to the output's. Positions meet in full-size pixels, so scaled
/// decoding and chroma subsampling shift nothing: sample i of the input has its centre at
/// (i << in_log2) + in_phase + 2^in_log2 / 2, whatever the sample count was rounded up to.
struct ResampleAxis {
  std::int32_t in_extent = 0;  // full-size pixels
  int in_log2 = 0, in_phase = 0;
  std::int32_t in_samples = 0;
  std::int32_t scaled_extent = 0;  // what in_extent becomes, pixels
  std::int32_t offset = 0;         // where output sample 0 begins in it; before its edge if the output has a phase
  int out_log2 = 0;
  std::int32_t out_samples = 0;

  /// The centre of output sample `i` in input samples (sample k is centred at k + 0.5).
  double centre(std::int32_t i) const;
  /// Input samples per output sample.
  double step() const;
};

/// weights[i * stride + k] belongs to input sample first[i] + k, k < count[i]; the rest of the stride is zero. The
/// weights of an output sample sum to 1 (real) or to exactly 1 << shift (integers).
template <class Weight>
struct Taps {
  std::vector<std::int32_t> first, count;
  std::vector<Weight> weights;
  std::int32_t stride = 0;  // 8 or a multiple of 16
  int shift = 0;

  const Weight* of(std::int32_t i) const {
    return weights.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(stride);
  }
};

/// Not for Filter::nearest.
Taps<double> real_taps(const ResampleAxis&, Filter);
/// The nearest input sample of each output sample, in exact integer arithmetic; halves go up.
std::vector<std::int32_t> nearest_samples(const ResampleAxis&);

/// The farthest an output sample may reach when every input sample is within 0..1 (or within -low..high).
struct Reach {
  double low = 0, high = 1;
  double magnitude() const { return low > high ? low : high; }
};
Reach reach_of(const Taps<double>&, const Reach& input);

/// 16-bit weights with the finest shift (at most 22) such that every weight fits and no sum over `block` consecutive
/// weights (aligned to the window's start) times samples up to `largest_sample` leaves 32 bits.
Taps<std::int16_t> short_taps(const Taps<double>&, double largest_sample, std::int32_t block);
/// 32-bit weights, shift 28.
Taps<std::int32_t> wide_taps(const Taps<double>&);
Taps<float> float_taps(const Taps<double>&);

}  // namespace tessera::stages
