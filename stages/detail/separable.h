// Separable symmetric convolution, the engine of gaussian, sharpen and (for float) box. Vertical first, over contiguous
// rows, then horizontal over the flattened row; both are sums of whole rows (detail_rows.h).
//
//   u8 without alpha   16-bit weights with 14 fractional bits that sum to one exactly, 32-bit sums, 6 fractional bits
//                      between the passes: within 0.6 levels of the real-valued result
//   all others         float: each sample is the same sum in the same order wherever a band begins, so the bytes do not
//                      depend on the tiling either; within 0.51 levels of 65535 after rounding
//   alpha              colours are weighted by it: the colour of a transparent pixel does not bleed
#pragma once

#include <functional>
#include <vector>

#include "stages/detail/border.h"

namespace tessera::stages {

/// Part of one row of the result. One of the two pointers is set.
struct ConvolvedRow {
  std::int32_t x = 0, y = 0, pixels = 0;  // full-size pixels
  const std::int16_t* fixed = nullptr;    // 1/64 levels of 255, interleaved
  const float* levels = nullptr;          // 0..max of the depth, not clamped; colours no longer weighted by alpha
};

class SeparableConvolution {
 public:
  /// half[0] is the centre's weight, half[k] that of the two taps k away; half[0] + 2 * (half[1] + ...) must be 1.
  SeparableConvolution(const ImageInfo&, const std::vector<double>& half);

  std::int32_t radius() const { return static_cast<std::int32_t>(fixed_.size()) - 1; }
  /// Delivers every pixel of `region` once. `in` contains neighbourhood(info, region, radius()).
  void run(const View& in, const Region& region, Scratch&, const std::function<void(const ConvolvedRow&)>& sink) const;

 private:
  void run_fixed(const View& in, const Region& block, Scratch&, const std::function<void(const ConvolvedRow&)>&) const;
  void run_float(const View& in, const Region& block, Scratch&, const std::function<void(const ConvolvedRow&)>&) const;

  ImageInfo info_;
  std::vector<std::int16_t> fixed_;
  std::vector<float> float_;
};

/// Weights exp(-k^2 / (2 sigma^2)) for k = 0 .. ceil(3 sigma), normalised as SeparableConvolution wants them.
std::vector<double> gaussian_half(double sigma_px);

/// Rounds half up to u8 or u16 and clamps; copies f32. `row` must lie inside out.region.
void store_row(const ConvolvedRow& row, const MutableView& out);

}  // namespace tessera::stages
