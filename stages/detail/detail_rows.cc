#include "stages/simd/vectors.h"
//
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stages/detail/detail_rows.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdlib>

#include "stages/detail/detail_rows.h"
#include "stages/simd/pairs-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::stages::detail_rows {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using namespace stages::HWY_NAMESPACE;

constexpr int kDown = kAmountBits + kFractionBits;

// ---- plain loops: the scalar target, what is narrower than a vector, and float

template <class In>
void convolve_plain(const In* const* taps, std::int32_t radius, const std::int16_t* half, std::int32_t begin,
                    std::int32_t count, int down, std::int16_t* out) {
  constexpr std::int32_t kPart = 256;  // their sums stay in the L1 cache
  std::int32_t sums[kPart];
  for (std::int32_t from = begin; from < count; from += kPart) {
    const std::int32_t n = std::min(kPart, count - from);
    for (std::int32_t i = 0; i < n; ++i) sums[i] = taps[radius][from + i] * half[0] + (1 << (down - 1));
    for (std::int32_t k = 1; k <= radius; ++k)
      for (std::int32_t i = 0; i < n; ++i)
        sums[i] += (taps[radius - k][from + i] + taps[radius + k][from + i]) * half[k];
    for (std::int32_t i = 0; i < n; ++i) out[from + i] = static_cast<std::int16_t>(sums[i] >> down);
  }
}

void round_plain(const std::int16_t* in, std::int32_t begin, std::int32_t count, std::uint8_t* out) {
  for (std::int32_t i = begin; i < count; ++i)
    out[i] = static_cast<std::uint8_t>((in[i] + (1 << (kFractionBits - 1))) >> kFractionBits);
}

void sharpen_plain(const std::uint8_t* in, const std::int16_t* blurred, std::int32_t begin, std::int32_t count,
                   std::int16_t amount, std::int16_t threshold, std::uint8_t* out) {
  for (std::int32_t i = begin; i < count; ++i) {
    const std::int32_t difference = (in[i] << kFractionBits) - blurred[i];
    const std::int32_t kept = std::abs(difference) >= threshold ? difference : 0;
    const std::int32_t sum = in[i] + ((kept * amount + (1 << (kDown - 1))) >> kDown);
    out[i] = static_cast<std::uint8_t>(std::clamp(sum, 0, 255));
  }
}

// As many pairs of taps in one go as there are registers for their rows' addresses.
template <int kPairs>
HWY_INLINE void add_floats(const float* const* low, const float* const* high, const float* weights, std::int32_t count,
                           float* sums) {
  for (std::int32_t i = 0; i < count; ++i) {
    float sum = sums[i];
    for (int p = 0; p < kPairs; ++p) sum += (low[p][i] + high[p][i]) * weights[p];
    sums[i] = sum;
  }
}

void convolve_floats(const float* const* taps, std::int32_t radius, const float* half, std::int32_t count, float* out) {
  constexpr std::int32_t kPart = 256;
  constexpr int kGroup = 4;
  const float *low[kGroup], *high[kGroup];
  float sums[kPart];
  for (std::int32_t from = 0; from < count; from += kPart) {
    const std::int32_t n = std::min(kPart, count - from);
    for (std::int32_t i = 0; i < n; ++i) sums[i] = taps[radius][from + i] * half[0];
    for (std::int32_t k = 1; k <= radius; k += kGroup) {
      const std::int32_t pairs = std::min<std::int32_t>(kGroup, radius - k + 1);
      for (std::int32_t p = 0; p < pairs; ++p)
        low[p] = taps[radius - k - p] + from, high[p] = taps[radius + k + p] + from;
      switch (pairs) {
        case 1:
          add_floats<1>(low, high, half + k, n, sums);
          break;
        case 2:
          add_floats<2>(low, high, half + k, n, sums);
          break;
        case 3:
          add_floats<3>(low, high, half + k, n, sums);
          break;
        default:
          add_floats<4>(low, high, half + k, n, sums);
          break;
      }
    }
    std::copy_n(sums, n, out + from);
  }
}

#if HWY_TARGET == HWY_SCALAR

template <int kShift, class In>
void convolve(const In* const* taps, std::int32_t radius, const std::int16_t* half, std::int32_t count,
              std::int16_t* out) {
  convolve_plain(taps, radius, half, 0, count, kShift, out);
}

void round_row(const std::int16_t* in, std::int32_t count, std::uint8_t* out) { round_plain(in, 0, count, out); }

void sharpen_row(const std::uint8_t* in, const std::int16_t* blurred, std::int32_t count, std::int16_t amount,
                 std::int16_t threshold, std::uint8_t* out) {
  sharpen_plain(in, blurred, 0, count, amount, threshold, out);
}

#else

using D16 = hn::ScalableTag<std::int16_t>;
using D32 = hn::RepartitionToWide<D16>;
using D8 = hn::Rebind<std::uint8_t, D16>;
constexpr auto kLanes = static_cast<std::int32_t>(hn::MaxLanes(D16()));

HWY_INLINE hn::Vec<D16> samples(const std::uint8_t* in) { return hn::PromoteTo(D16(), hn::LoadU(D8(), in)); }
HWY_INLINE hn::Vec<D16> samples(const std::int16_t* in) { return hn::LoadU(D16(), in); }

// Both samples that weight k > 0 belongs to; 2 * 255 * 64 still fits 16 bits.
template <class In>
HWY_INLINE hn::Vec<D16> both(const In* const* taps, std::int32_t radius, std::int32_t k, std::int32_t i) {
  return hn::Add(samples(taps[radius - k] + i), samples(taps[radius + k] + i));
}

// Two weights at a time: what belongs to them is interleaved and multiplied in pairs. The interleaving and the final
// packing undo each other in each block of 128 bits.
template <int kVectors, int kShift, class In>
HWY_INLINE void convolve_vectors(const In* const* taps, std::int32_t radius, const std::int16_t* half, std::int32_t i,
                                 std::int16_t* out) {
  const D16 d16;
  const D32 d32;
  hn::Vec<D32> low[kVectors], high[kVectors];
  auto weights = pair_of(d16, half[0], radius > 0 ? half[1] : std::int16_t{0});
  for (int v = 0; v < kVectors; ++v) {
    const auto a = samples(taps[radius] + i + v * kLanes);
    const auto b = radius > 0 ? both(taps, radius, 1, i + v * kLanes) : hn::Zero(d16);
    low[v] = add_pairs(d32, hn::InterleaveLower(d16, a, b), weights, hn::Set(d32, 1 << (kShift - 1)));
    high[v] = add_pairs(d32, hn::InterleaveUpper(d16, a, b), weights, hn::Set(d32, 1 << (kShift - 1)));
  }
  for (std::int32_t k = 2; k <= radius; k += 2) {
    const bool second = k < radius;
    weights = pair_of(d16, half[k], second ? half[k + 1] : std::int16_t{0});
    for (int v = 0; v < kVectors; ++v) {
      const auto a = both(taps, radius, k, i + v * kLanes);
      const auto b = second ? both(taps, radius, k + 1, i + v * kLanes) : hn::Zero(d16);
      low[v] = add_pairs(d32, hn::InterleaveLower(d16, a, b), weights, low[v]);
      high[v] = add_pairs(d32, hn::InterleaveUpper(d16, a, b), weights, high[v]);
    }
  }
  for (int v = 0; v < kVectors; ++v)
    hn::StoreU(hn::ReorderDemote2To(d16, hn::ShiftRight<kShift>(low[v]), hn::ShiftRight<kShift>(high[v])), d16,
               out + i + v * kLanes);
}

// The last vector overlaps the one before it: no sample behind the rows is read.
template <int kShift, class In>
void convolve(const In* const* taps, std::int32_t radius, const std::int16_t* half, std::int32_t count,
              std::int16_t* out) {
  if (count < kLanes) return convolve_plain(taps, radius, half, 0, count, kShift, out);
  std::int32_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) convolve_vectors<4, kShift>(taps, radius, half, i, out);
  for (; i + kLanes <= count; i += kLanes) convolve_vectors<1, kShift>(taps, radius, half, i, out);
  if (i < count) convolve_vectors<1, kShift>(taps, radius, half, count - kLanes, out);
}

void round_row(const std::int16_t* in, std::int32_t count, std::uint8_t* out) {
  const auto half = hn::Set(D16(), 1 << (kFractionBits - 1));
  std::int32_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    hn::StoreU(hn::DemoteTo(D8(), hn::ShiftRight<kFractionBits>(hn::Add(samples(in + i), half))), D8(), out + i);
  round_plain(in, i, count, out);
}

void sharpen_row(const std::uint8_t* in, const std::int16_t* blurred, std::int32_t count, std::int16_t amount,
                 std::int16_t threshold, std::uint8_t* out) {
  const D16 d16;
  const D32 d32;
  // difference * amount + 2 * (half / 2): the rounding is the second product of each pair.
  const auto factors = pair_of(d16, amount, 1 << (kDown - 2)), two = hn::Set(d16, 2), least = hn::Set(d16, threshold);
  std::int32_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const auto level = samples(in + i);
    const auto difference = hn::Sub(hn::ShiftLeft<kFractionBits>(level), samples(blurred + i));
    const auto kept = hn::IfThenZeroElse(hn::Lt(hn::Abs(difference), least), difference);
    const auto low = add_pairs(d32, hn::InterleaveLower(d16, kept, two), factors, hn::Zero(d32));
    const auto high = add_pairs(d32, hn::InterleaveUpper(d16, kept, two), factors, hn::Zero(d32));
    const auto change = hn::ReorderDemote2To(d16, hn::ShiftRight<kDown>(low), hn::ShiftRight<kDown>(high));
    hn::StoreU(hn::DemoteTo(D8(), hn::Add(level, change)), D8(), out + i);
  }
  sharpen_plain(in, blurred, i, count, amount, threshold, out);
}

#endif

void convolve_levels(const std::uint8_t* const* taps, std::int32_t radius, const std::int16_t* half, std::int32_t count,
                     std::int16_t* out) {
  convolve<kWeightBits - kFractionBits>(taps, radius, half, count, out);
}
void convolve_fractions(const std::int16_t* const* taps, std::int32_t radius, const std::int16_t* half,
                        std::int32_t count, std::int16_t* out) {
  convolve<kWeightBits>(taps, radius, half, count, out);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::stages::detail_rows
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::stages::detail_rows {

HWY_EXPORT(convolve_levels);
HWY_EXPORT(convolve_fractions);
HWY_EXPORT(convolve_floats);
HWY_EXPORT(round_row);
HWY_EXPORT(sharpen_row);

void convolve_u8(const std::uint8_t* const* taps, std::int32_t radius, const std::int16_t* half, std::int32_t count,
                 std::int16_t* out) {
  HWY_DYNAMIC_DISPATCH(convolve_levels)(taps, radius, half, count, out);
}
void convolve_fixed(const std::int16_t* const* taps, std::int32_t radius, const std::int16_t* half, std::int32_t count,
                    std::int16_t* out) {
  HWY_DYNAMIC_DISPATCH(convolve_fractions)(taps, radius, half, count, out);
}
void convolve_float(const float* const* taps, std::int32_t radius, const float* half, std::int32_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(convolve_floats)(taps, radius, half, count, out);
}
void round_fixed(const std::int16_t* in, std::int32_t count, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(round_row)(in, count, out);
}
void sharpen_u8(const std::uint8_t* in, const std::int16_t* blurred, std::int32_t count, std::int16_t amount,
                std::int16_t threshold, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(sharpen_row)(in, blurred, count, amount, threshold, out);
}

}  // namespace tessera::stages::detail_rows
#endif
