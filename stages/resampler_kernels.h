// The resampler's arithmetic: plain functions over rows, without memory of their own and without knowledge of images.
// Each is compiled for every SIMD target (simd/target.h), and all give the same bytes: for the integer ones any order
// of summation does, for float there is one order.
//
// blend_*: the vertical pass, a weighted sum of `count` rows, sample by sample.
// filter_*: the horizontal pass, a weighted sum along the blended row for each output pixel.
// `channels` samples are interleaved in pixels, `pixels` counts input pixels of the row. Weights sum to 1 << shift.
//
// Three families:
//   u8     resampler_u8.cc: 16-bit weights, 32-bit sums; the blended row has 16 bits, kFraction8 of them fraction, one
//          plane per channel; the stride of the weights is 8 or a multiple of 16
//   wide   u16 and everything with alpha: samples of up to 31 bits, 32-bit weights, 64-bit sums, 32-bit blended row
//   float  f32: one product and one addition per tap, in the order of the taps
#pragma once

#include <cstddef>
#include <cstdint>

namespace tessera::stages::kernels {

constexpr int kFraction8 = 6;
/// filter_u8 sums this many taps in 32 bits before it goes on in 64: see short_taps.
constexpr std::int32_t kBlock8 = 32;

/// Half-open range of output samples, with their windows: the weights of output sample i start at weights + i * stride
/// and belong to the samples from first[i] of the image's row. `origin` is the image's sample that the row starts with.
template <class Weight>
struct Windows {
  const std::int32_t* first;
  const std::int32_t* count;
  const Weight* weights;
  std::int32_t stride;
  int shift;
  std::int32_t begin, end;
  std::int32_t origin;

  const Weight* of(std::int32_t i) const { return weights + static_cast<std::ptrdiff_t>(i) * stride; }
};

/// Pixels [begin, end) of the rows, with 1 or 3 channels; out[c * plane_stride + x] gets channel c of pixel x. Behind
/// an odd number of weights stands a zero.
void blend_u8(const std::uint8_t* const* rows, const std::int16_t* weights, std::int32_t count, int shift,
              std::int32_t begin, std::int32_t end, int channels, std::int16_t* out, std::ptrdiff_t plane_stride);
/// Filters kLines8 blended rows at once: they share windows and weights. out[line][0] is the first output sample. A
/// line may be read, and is not used, up to the windows' stride behind its end.
constexpr int kLines8 = 4;
void filter_u8(const std::int16_t* const* lines, const Windows<std::int16_t>&, std::uint8_t* const* out);
/// Three planes to interleaved pixels.
void weave_u8(const std::uint8_t* const* planes, std::int32_t pixels, std::uint8_t* out);

/// How a row's samples enter the wide sums. plain: as they are. premultiplied: colour times alpha, alpha times the
/// largest sample (u16: both halved, so that 31 bits hold them).
enum class Alpha : std::uint8_t { plain, premultiplied };
void blend_wide(const std::uint8_t* const* rows, const std::int32_t* weights, std::int32_t count, int shift,
                std::int32_t pixels, int channels, std::int32_t* out);  // premultiplied
void blend_wide(const std::uint16_t* const* rows, const std::int32_t* weights, std::int32_t count, int shift,
                std::int32_t pixels, int channels, Alpha alpha, std::int32_t* out);
void filter_wide(const std::int32_t* in, const Windows<std::int32_t>&, int channels, std::uint8_t* out);
void filter_wide(const std::int32_t* in, const Windows<std::int32_t>&, int channels, Alpha alpha, std::uint16_t* out);

void blend_float(const float* const* rows, const float* weights, std::int32_t count, std::int32_t pixels, int channels,
                 Alpha alpha, float* out);
void filter_float(const float* in, const Windows<float>&, int channels, Alpha alpha, float* out);

}  // namespace tessera::stages::kernels
