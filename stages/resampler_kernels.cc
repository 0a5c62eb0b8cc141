// The resampler's arithmetic for 16-bit and float samples and everything with alpha: plain loops, of which the compiler
// makes vectors for every SIMD target. No sum is contracted (-ffp-contract=off) or re-associated, so the bytes agree.
#include "stages/simd/vectors.h"
//
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stages/resampler_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <type_traits>

#include "stages/resampler_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::stages::kernels {
namespace HWY_NAMESPACE {
namespace {

// Samples blended at a time, so that their sums stay in the L1 cache; whole pixels of 1, 2, 3 and 4 channels.
constexpr std::int32_t kChunk = 768;

// The wide blended row has 29 bits of range and two for overshoot.
constexpr int kWideBits = 29;
constexpr int kBits16 = 16;  // plain u16, premultiplied u8
constexpr int kBits32 = 31;  // premultiplied u16

template <class Sample>
constexpr std::int64_t kMax = sizeof(Sample) == 1 ? 255 : 65535;

// ---- wide

void widen(const std::uint16_t* in, std::int32_t samples, std::uint32_t* __restrict out) {
  for (std::int32_t i = 0; i < samples; ++i) out[i] = in[i];
}

template <class Sample>
std::uint32_t product(std::uint32_t a, std::uint32_t b) {
  return sizeof(Sample) == 1 ? a * b : (a * b) >> 1;
}

template <class Sample, int kChannels>
void premultiply(const Sample* in, std::int32_t samples, std::uint32_t* __restrict out) {
  for (std::int32_t i = 0; i < samples; i += kChannels) {
    const std::uint32_t alpha = in[i + kChannels - 1];
    for (int c = 0; c + 1 < kChannels; ++c) out[i + c] = product<Sample>(in[i + c], alpha);
    out[i + kChannels - 1] = product<Sample>(static_cast<std::uint32_t>(kMax<Sample>), alpha);
  }
}

template <class Sample>
void load(const Sample* in, std::int32_t samples, int channels, Alpha alpha, std::uint32_t* out) {
  if (alpha == Alpha::premultiplied) {
    if (channels == 2) return premultiply<Sample, 2>(in, samples, out);
    return premultiply<Sample, 4>(in, samples, out);
  }
  if constexpr (sizeof(Sample) == 2) widen(in, samples, out);
}

// Products of unsigned numbers: the baseline instruction set multiplies those, two at a time.
void add_row(const std::uint32_t* in, std::int32_t weight, std::int32_t samples, std::int64_t* __restrict sums) {
  const std::uint32_t magnitude = static_cast<std::uint32_t>(weight < 0 ? -weight : weight);
  if (weight < 0)
    for (std::int32_t i = 0; i < samples; ++i) sums[i] -= static_cast<std::int64_t>(std::uint64_t{in[i]} * magnitude);
  else
    for (std::int32_t i = 0; i < samples; ++i) sums[i] += static_cast<std::int64_t>(std::uint64_t{in[i]} * magnitude);
}

template <class Sample>
void blend_rows(const Sample* const* rows, const std::int32_t* weights, std::int32_t count, int shift,
                std::int32_t pixels, int channels, Alpha alpha, std::int32_t* out) {
  const int bits = sizeof(Sample) == 2 && alpha == Alpha::premultiplied ? kBits32 : kBits16;
  const int down = shift - (kWideBits - bits);
  const std::int32_t total = pixels * channels;
  std::array<std::uint32_t, kChunk> samples;
  std::array<std::int64_t, kChunk> sums;
  for (std::int32_t from = 0; from < total; from += kChunk) {
    const std::int32_t size = std::min(kChunk, total - from);
    sums.fill(std::int64_t{1} << (down - 1));
    for (std::int32_t k = 0; k < count; ++k) {
      load(rows[k] + from, size, channels, alpha, samples.data());
      add_row(samples.data(), weights[k], size, sums.data());
    }
    for (std::int32_t i = 0; i < size; ++i)
      out[from + i] = static_cast<std::int32_t>(sums[static_cast<std::size_t>(i)] >> down);
  }
}

template <class Weight, int kChannels, class Sum>
std::array<Sum, kChannels> weighted(const Weight* in, const Weight* weights, std::int32_t count, Sum start) {
  std::array<Sum, kChannels> sums;
  sums.fill(start);
  for (std::int32_t k = 0; k < count; ++k)
    for (std::size_t c = 0; c < kChannels; ++c)
      sums[c] += static_cast<Sum>(in[static_cast<std::size_t>(k) * kChannels + c]) * static_cast<Sum>(weights[k]);
  return sums;
}

// sums: colour and alpha as blended, 29 bits for the largest.
template <class Sample, int kChannels>
void unpremultiply(const std::array<std::int64_t, kChannels>& sums, Sample* out) {
  constexpr std::int64_t kUp = sizeof(Sample) == 1 ? 1 : 1 << (1 + kBits32 - kWideBits);
  constexpr std::int64_t kOne = sizeof(Sample) == 1 ? kMax<Sample> << (kWideBits - kBits16) : kMax<Sample>;
  const std::int64_t alpha = std::max<std::int64_t>(sums[kChannels - 1], 0);
  const std::int64_t level = std::min((alpha * kUp + kOne / 2) / kOne, kMax<Sample>);
  for (std::size_t c = 0; c + 1 < kChannels; ++c)
    out[c] =
        level == 0
            ? Sample{0}
            : static_cast<Sample>((std::clamp<std::int64_t>(sums[c], 0, alpha) * kMax<Sample> + alpha / 2) / alpha);
  out[kChannels - 1] = static_cast<Sample>(level);
}

template <class Sample, int kChannels>
void filter_pixels(const std::int32_t* in, const Windows<std::int32_t>& w, Alpha alpha, Sample* out) {
  const std::int64_t half = std::int64_t{1} << (w.shift - 1);
  constexpr int kPlainDown = kWideBits - kBits16;
  for (std::int32_t i = w.begin; i < w.end; ++i, out += kChannels) {
    const std::int32_t* from = in + static_cast<std::ptrdiff_t>(w.first[i] - w.origin) * kChannels;
    const std::int32_t* weights = w.of(i);
    if (alpha == Alpha::premultiplied) {
      auto sums = weighted<std::int32_t, kChannels, std::int64_t>(from, weights, w.count[i], half);
      for (std::int64_t& sum : sums) sum >>= w.shift;
      unpremultiply<Sample, kChannels>(sums, out);
    } else {
      const auto sums = weighted<std::int32_t, kChannels, std::int64_t>(from, weights, w.count[i], half << kPlainDown);
      for (std::size_t c = 0; c < kChannels; ++c)
        out[c] = static_cast<Sample>(std::clamp<std::int64_t>(sums[c] >> (w.shift + kPlainDown), 0, kMax<Sample>));
    }
  }
}

// ---- float

// Alpha below half a 16-bit level divides to nothing but noise.
constexpr float kLeastAlpha = 0.5F / 65535;

void load_float(const float* in, std::int32_t samples, int channels, Alpha alpha, float* __restrict out) {
  if (alpha == Alpha::plain) {
    std::copy_n(in, samples, out);
    return;
  }
  for (std::int32_t i = 0; i < samples; i += channels) {
    const float a = in[i + channels - 1];
    for (std::int32_t c = 0; c + 1 < channels; ++c) out[i + c] = in[i + c] * a;
    out[i + channels - 1] = a;
  }
}

template <int kChannels>
void filter_floats(const float* in, const Windows<float>& w, Alpha alpha, float* out) {
  for (std::int32_t i = w.begin; i < w.end; ++i, out += kChannels) {
    const auto sums = weighted<float, kChannels, float>(
        in + static_cast<std::ptrdiff_t>(w.first[i] - w.origin) * kChannels, w.of(i), w.count[i], 0.0F);
    std::copy(sums.begin(), sums.end(), out);
    if (alpha == Alpha::plain) continue;
    const float a = sums[kChannels - 1];
    const bool visible = a >= kLeastAlpha;
    for (std::size_t c = 0; c + 1 < kChannels; ++c) out[c] = visible ? sums[c] / a : 0.0F;
    out[kChannels - 1] = visible ? std::min(a, 1.0F) : 0.0F;
  }
}

void blend_wide8(const std::uint8_t* const* rows, const std::int32_t* weights, std::int32_t count, int shift,
                 std::int32_t pixels, int channels, std::int32_t* out) {
  blend_rows(rows, weights, count, shift, pixels, channels, Alpha::premultiplied, out);
}
void blend_wide16(const std::uint16_t* const* rows, const std::int32_t* weights, std::int32_t count, int shift,
                  std::int32_t pixels, int channels, Alpha alpha, std::int32_t* out) {
  blend_rows(rows, weights, count, shift, pixels, channels, alpha, out);
}

void filter_wide8(const std::int32_t* in, const Windows<std::int32_t>& w, int channels, std::uint8_t* out) {
  if (channels == 2) return filter_pixels<std::uint8_t, 2>(in, w, Alpha::premultiplied, out);
  filter_pixels<std::uint8_t, 4>(in, w, Alpha::premultiplied, out);
}
void filter_wide16(const std::int32_t* in, const Windows<std::int32_t>& w, int channels, Alpha alpha,
                   std::uint16_t* out) {
  switch (channels) {
    case 1:
      return filter_pixels<std::uint16_t, 1>(in, w, alpha, out);
    case 2:
      return filter_pixels<std::uint16_t, 2>(in, w, alpha, out);
    case 3:
      return filter_pixels<std::uint16_t, 3>(in, w, alpha, out);
    default:
      return filter_pixels<std::uint16_t, 4>(in, w, alpha, out);
  }
}

void blend_floats(const float* const* rows, const float* weights, std::int32_t count, std::int32_t pixels, int channels,
                  Alpha alpha, float* out) {
  const std::int32_t total = pixels * channels;
  std::array<float, kChunk> samples, sums;
  for (std::int32_t from = 0; from < total; from += kChunk) {
    const std::int32_t size = std::min(kChunk, total - from);
    sums.fill(0);
    for (std::int32_t k = 0; k < count; ++k) {
      load_float(rows[k] + from, size, channels, alpha, samples.data());
      for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i) sums[i] += samples[i] * weights[k];
    }
    std::copy_n(sums.begin(), size, out + from);
  }
}

void filter_any_floats(const float* in, const Windows<float>& w, int channels, Alpha alpha, float* out) {
  switch (channels) {
    case 1:
      return filter_floats<1>(in, w, alpha, out);
    case 2:
      return filter_floats<2>(in, w, alpha, out);
    case 3:
      return filter_floats<3>(in, w, alpha, out);
    default:
      return filter_floats<4>(in, w, alpha, out);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::stages::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::stages::kernels {

HWY_EXPORT(blend_wide8);
HWY_EXPORT(blend_wide16);
HWY_EXPORT(filter_wide8);
HWY_EXPORT(filter_wide16);
HWY_EXPORT(blend_floats);
HWY_EXPORT(filter_any_floats);

void blend_wide(const std::uint8_t* const* rows, const std::int32_t* weights, std::int32_t count, int shift,
                std::int32_t pixels, int channels, std::int32_t* out) {
  HWY_DYNAMIC_DISPATCH(blend_wide8)(rows, weights, count, shift, pixels, channels, out);
}
void blend_wide(const std::uint16_t* const* rows, const std::int32_t* weights, std::int32_t count, int shift,
                std::int32_t pixels, int channels, Alpha alpha, std::int32_t* out) {
  HWY_DYNAMIC_DISPATCH(blend_wide16)(rows, weights, count, shift, pixels, channels, alpha, out);
}

void filter_wide(const std::int32_t* in, const Windows<std::int32_t>& windows, int channels, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(filter_wide8)(in, windows, channels, out);
}
void filter_wide(const std::int32_t* in, const Windows<std::int32_t>& windows, int channels, Alpha alpha,
                 std::uint16_t* out) {
  HWY_DYNAMIC_DISPATCH(filter_wide16)(in, windows, channels, alpha, out);
}

void blend_float(const float* const* rows, const float* weights, std::int32_t count, std::int32_t pixels, int channels,
                 Alpha alpha, float* out) {
  HWY_DYNAMIC_DISPATCH(blend_floats)(rows, weights, count, pixels, channels, alpha, out);
}
void filter_float(const float* in, const Windows<float>& windows, int channels, Alpha alpha, float* out) {
  HWY_DYNAMIC_DISPATCH(filter_any_floats)(in, windows, channels, alpha, out);
}

}  // namespace tessera::stages::kernels
#endif
