#include "stages/detail/separable.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

#include "stages/detail/detail_rows.h"

namespace tessera::stages {
namespace {

using namespace detail_rows;

constexpr std::int32_t kBlockPixels = 1024;  // columns done together, so that 2 * radius + 1 rows of them stay cached

// Samples to float, colours times alpha / max.
template <class Sample>
void load_row(const Sample* in, std::int32_t pixels, int channels, bool alpha, float max, float* out) {
  if (!alpha) {
    for (std::int32_t i = 0; i < pixels * channels; ++i) out[i] = static_cast<float>(in[i]);
    return;
  }
  for (std::int32_t x = 0; x < pixels; ++x, in += channels, out += channels) {
    const float a = static_cast<float>(in[channels - 1]);
    for (int c = 0; c + 1 < channels; ++c) out[c] = static_cast<float>(in[c]) * a / max;
    out[channels - 1] = a;
  }
}

void divide_by_alpha(float* row, std::int32_t pixels, int channels, float max) {
  for (std::int32_t x = 0; x < pixels; ++x, row += channels) {
    const float a = row[channels - 1];
    for (int c = 0; c + 1 < channels; ++c) row[c] = a > 0 ? row[c] * max / a : 0;
  }
}

float max_level(Depth depth) { return depth == Depth::u8 ? 255.0F : depth == Depth::u16 ? 65535.0F : 1.0F; }

// Fills the pixels of the padded row that lie outside the image. `row` starts at padded_x0, the image's pixels are
// there.
template <class T>
void reflect_ends(T* row, std::int32_t padded_x0, std::int32_t padded_x1, std::int32_t width, int channels) {
  const auto fill = [&](std::int32_t x) {
    std::copy_n(row + static_cast<std::ptrdiff_t>(reflect_101(x, width) - padded_x0) * channels, channels,
                row + static_cast<std::ptrdiff_t>(x - padded_x0) * channels);
  };
  for (std::int32_t x = padded_x0; x < 0; ++x) fill(x);
  for (std::int32_t x = width; x < padded_x1; ++x) fill(x);
}

template <class Sample>
void round_levels(const float* in, std::int32_t count, Sample* out) {
  constexpr float max = std::numeric_limits<Sample>::max();
  for (std::int32_t i = 0; i < count; ++i) {
    const float level = in[i] + 0.5F;
    out[i] = static_cast<Sample>(static_cast<std::int32_t>(level > max ? max : level > 0 ? level : 0));
  }
}

}  // namespace

std::vector<double> gaussian_half(double sigma_px) {
  std::vector<double> half;
  double sum = 0;
  for (int k = 0; k <= static_cast<int>(std::ceil(3 * sigma_px)); ++k) {
    half.push_back(std::exp(-0.5 * k * k / (sigma_px * sigma_px)));
    sum += (k == 0 ? 1 : 2) * half.back();
  }
  for (double& w : half) w /= sum;
  return half;
}

SeparableConvolution::SeparableConvolution(const ImageInfo& info, const std::vector<double>& half)
    : info_(info), fixed_(half.size()), float_(half.begin(), half.end()) {
  assert(info.full_size() && !half.empty());
  // Rounding the tails' running sum, not each weight, keeps the error of any step response below one unit, and what is
  // left for the centre makes the sum exact.
  constexpr double kOne = 1 << kWeightBits;
  double tail = 0;
  long rounded = 0;
  for (std::size_t k = half.size() - 1; k > 0; --k) {
    tail += half[k];
    const long next = std::lround(tail * kOne);
    fixed_[k] = static_cast<std::int16_t>(next - rounded);
    rounded = next;
  }
  fixed_[0] = static_cast<std::int16_t>((1 << kWeightBits) - 2 * rounded);
}

void SeparableConvolution::run(const View& in, const Region& region, Scratch& scratch,
                               const std::function<void(const ConvolvedRow&)>& sink) const {
  assert(in.region.contains(neighbourhood(info_, region, radius())));
  const bool fixed = info_.format.depth == Depth::u8 && !info_.format.alpha;
  const std::int32_t step = std::max(kBlockPixels, 8 * radius());
  for (std::int32_t x = region.x0; x < region.x1; x += step) {
    const Region block{x, region.y0, std::min(x + step, region.x1), region.y1};
    const Scratch::Mark mark(scratch);
    if (fixed)
      run_fixed(in, block, scratch, sink);
    else
      run_float(in, block, scratch, sink);
  }
}

void SeparableConvolution::run_fixed(const View& in, const Region& block, Scratch& scratch,
                                     const std::function<void(const ConvolvedRow&)>& sink) const {
  const std::int32_t r = radius(), channels = info_.format.channels();
  const std::int32_t padded_x0 = block.x0 - r, padded_x1 = block.x1 + r;
  const std::int32_t x0 = std::max(padded_x0, 0), x1 = std::min(padded_x1, info_.width);
  const auto taps_count = static_cast<std::uint64_t>(2 * r + 1);
  const auto rows = scratch.take_array<const std::uint8_t*>(taps_count);
  const auto shifted = scratch.take_array<const std::int16_t*>(taps_count);
  const auto between = scratch.take_array<std::int16_t>(static_cast<std::uint64_t>((padded_x1 - padded_x0) * channels));
  const std::int32_t count = block.width() * channels;
  const auto result = scratch.take_array<std::int16_t>(static_cast<std::uint64_t>(count));
  for (std::size_t k = 0; k < taps_count; ++k) shifted[k] = between.data() + static_cast<std::ptrdiff_t>(k) * channels;
  for (std::int32_t y = block.y0; y < block.y1; ++y) {
    for (std::int32_t k = -r; k <= r; ++k)
      rows[static_cast<std::size_t>(k + r)] =
          in.plane().row<std::uint8_t>(reflect_101(y + k, info_.height) - in.region.y0) +
          static_cast<std::ptrdiff_t>(x0 - in.region.x0) * channels;
    convolve_u8(rows.data(), r, fixed_.data(), (x1 - x0) * channels,
                between.data() + static_cast<std::ptrdiff_t>(x0 - padded_x0) * channels);
    reflect_ends(between.data(), padded_x0, padded_x1, info_.width, channels);
    convolve_fixed(shifted.data(), r, fixed_.data(), count, result.data());
    sink({block.x0, y, block.width(), result.data(), nullptr});
  }
}

void SeparableConvolution::run_float(const View& in, const Region& block, Scratch& scratch,
                                     const std::function<void(const ConvolvedRow&)>& sink) const {
  const std::int32_t r = radius(), channels = info_.format.channels();
  const bool alpha = info_.format.alpha;
  const float max = max_level(info_.format.depth);
  const std::int32_t padded_x0 = block.x0 - r, padded_x1 = block.x1 + r;
  const std::int32_t x0 = std::max(padded_x0, 0), x1 = std::min(padded_x1, info_.width);
  const std::int32_t y_first = std::max(block.y0 - r, 0), y_last = std::min(block.y1 - 1 + r, info_.height - 1);
  // A ring of the rows under the kernel, each converted once.
  const std::int32_t ring_rows = std::min(2 * r + 1, y_last - y_first + 1);
  const auto ring_stride = static_cast<std::uint64_t>((x1 - x0) * channels);
  const auto ring = scratch.take_array<float>(ring_stride * static_cast<std::uint64_t>(ring_rows));
  const auto ring_row = [&](std::int32_t y) {
    return ring.data() + ring_stride * static_cast<std::uint64_t>((y - y_first) % ring_rows);
  };
  const auto taps_count = static_cast<std::uint64_t>(2 * r + 1);
  const auto rows = scratch.take_array<const float*>(taps_count);
  const auto shifted = scratch.take_array<const float*>(taps_count);
  const auto between = scratch.take_array<float>(static_cast<std::uint64_t>((padded_x1 - padded_x0) * channels));
  const std::int32_t count = block.width() * channels;
  const auto result = scratch.take_array<float>(static_cast<std::uint64_t>(count));
  for (std::size_t k = 0; k < taps_count; ++k) shifted[k] = between.data() + static_cast<std::ptrdiff_t>(k) * channels;
  std::int32_t loaded = y_first;
  for (std::int32_t y = block.y0; y < block.y1; ++y) {
    for (; loaded <= std::min(y + r, info_.height - 1); ++loaded) {
      const auto& plane = in.plane();
      const std::int32_t row = loaded - in.region.y0, first = (x0 - in.region.x0) * channels;
      float* to = ring_row(loaded);
      switch (info_.format.depth) {
        case Depth::u8:
          load_row(plane.row<std::uint8_t>(row) + first, x1 - x0, channels, alpha, max, to);
          break;
        case Depth::u16:
          load_row(plane.row<std::uint16_t>(row) + first, x1 - x0, channels, alpha, max, to);
          break;
        case Depth::f32:
          load_row(plane.row<float>(row) + first, x1 - x0, channels, alpha, max, to);
          break;
      }
    }
    for (std::int32_t k = -r; k <= r; ++k)
      rows[static_cast<std::size_t>(k + r)] = ring_row(reflect_101(y + k, info_.height));
    convolve_float(rows.data(), r, float_.data(), (x1 - x0) * channels,
                   between.data() + static_cast<std::ptrdiff_t>(x0 - padded_x0) * channels);
    reflect_ends(between.data(), padded_x0, padded_x1, info_.width, channels);
    convolve_float(shifted.data(), r, float_.data(), count, result.data());
    if (alpha) divide_by_alpha(result.data(), block.width(), channels, max);
    sink({block.x0, y, block.width(), nullptr, result.data()});
  }
}

void store_row(const ConvolvedRow& row, const MutableView& out) {
  const std::int32_t channels = out.format.channels(), count = row.pixels * channels;
  const std::int32_t y = row.y - out.region.y0, first = (row.x - out.region.x0) * channels;
  if (row.fixed) return round_fixed(row.fixed, count, out.plane().row<std::uint8_t>(y) + first);
  switch (out.format.depth) {
    case Depth::u8:
      return round_levels(row.levels, count, out.plane().row<std::uint8_t>(y) + first);
    case Depth::u16:
      return round_levels(row.levels, count, out.plane().row<std::uint16_t>(y) + first);
    case Depth::f32:
      std::copy_n(row.levels, count, out.plane().row<float>(y) + first);
  }
}

}  // namespace tessera::stages
