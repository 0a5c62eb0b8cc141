// The resampler's arithmetic for 8-bit samples, compiled for every SIMD target. 16-bit numbers are multiplied in pairs
// and the two products added in 32 bits, by one instruction on x86 (pmaddwd); all sums are exact, so their order is
// free.
#include "stages/simd/vectors.h"
//
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stages/resampler_u8.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "stages/resampler_kernels.h"
#include "stages/simd/pairs-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::stages::kernels {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using namespace stages::HWY_NAMESPACE;

// Blended samples of interleaved pixels on their way to their planes; whole pixels of 3 channels.
constexpr std::int32_t kPart = 768;

// ---- plain loops: the scalar target, and what is narrower than a vector

void filter_plain(const std::int16_t* in, const Windows<std::int16_t>& w, std::int32_t begin, std::int32_t end,
                  std::uint8_t* out) {
  const int down = w.shift + kFraction8;
  for (std::int32_t i = begin; i < end; ++i) {
    const std::int16_t *from = in + (w.first[i] - w.origin), *weights = w.of(i);
    std::int64_t total = std::int64_t{1} << (down - 1);
    for (std::int32_t k = 0; k < w.stride; k += kBlock8) {
      std::int32_t sum = 0;
      for (std::int32_t j = k; j < std::min(k + kBlock8, w.stride); ++j) sum += from[j] * weights[j];
      total += sum;
    }
    out[i - w.begin] = static_cast<std::uint8_t>(std::clamp<std::int64_t>(total >> down, 0, 255));
  }
}

#if HWY_TARGET == HWY_SCALAR

void blend_line(const std::uint8_t* const* rows, const std::int16_t* weights, std::int32_t count, int down,
                std::int32_t begin, std::int32_t end, std::int16_t* out) {
  // Sums of a part stay in the L1 cache; row by row the compiler makes vectors of the inner loop.
  std::array<std::int32_t, kPart> sums;
  for (std::int32_t from = begin; from < end; from += kPart) {
    const std::int32_t size = std::min(kPart, end - from);
    std::fill_n(sums.begin(), size, 1 << (down - 1));
    for (std::int32_t k = 0; k < count; ++k)
      for (std::int32_t i = 0; i < size; ++i)
        sums[static_cast<std::size_t>(i)] += static_cast<std::int16_t>(rows[k][from + i]) * weights[k];
    for (std::int32_t i = 0; i < size; ++i)
      out[from - begin + i] = static_cast<std::int16_t>(sums[static_cast<std::size_t>(i)] >> down);
  }
}

void split_three(const std::int16_t* in, std::int32_t pixels, std::int16_t* out, std::ptrdiff_t plane_stride) {
  for (std::int32_t x = 0; x < pixels; ++x)
    for (std::int32_t c = 0; c < 3; ++c) out[c * plane_stride + x] = in[3 * x + c];
}

void filter_lines(const std::int16_t* const* lines, const Windows<std::int16_t>& w, std::uint8_t* const* out) {
  for (int line = 0; line < kLines8; ++line) filter_plain(lines[line], w, w.begin, w.end, out[line]);
}

void weave_three(const std::uint8_t* const* planes, std::int32_t pixels, std::uint8_t* out) {
  for (std::int32_t x = 0; x < pixels; ++x)
    for (std::int32_t c = 0; c < 3; ++c) out[3 * x + c] = planes[c][x];
}

#else

void blend_plain(const std::uint8_t* const* rows, const std::int16_t* weights, std::int32_t count, int down,
                 std::int32_t begin, std::int32_t end, std::int16_t* out) {
  for (std::int32_t i = begin; i < end; ++i) {
    std::int32_t sum = 1 << (down - 1);
    for (std::int32_t k = 0; k < count; ++k) sum += rows[k][i] * weights[k];
    out[i - begin] = static_cast<std::int16_t>(sum >> down);
  }
}

// kVectors vectors of blended samples, of `i` and those that follow it. Two rows are interleaved and multiplied by
// their two weights; the interleaving and the final packing undo each other in each block of 128 bits.
template <int kVectors>
HWY_INLINE void blend_vectors(const std::uint8_t* const* rows, const std::int16_t* weights, std::int32_t count,
                              int down, std::int32_t i, std::int16_t* out) {
  const hn::ScalableTag<std::int16_t> d16;
  const hn::RepartitionToWide<decltype(d16)> d32;
  const hn::Rebind<std::uint8_t, decltype(d16)> d8;
  constexpr std::int32_t kLanes = static_cast<std::int32_t>(hn::MaxLanes(d16));
  hn::Vec<decltype(d32)> low[kVectors], high[kVectors];
  for (int v = 0; v < kVectors; ++v) low[v] = high[v] = hn::Set(d32, 1 << (down - 1));
  for (std::int32_t k = 0; k < count; k += 2) {
    // Behind an odd number of weights stands a zero.
    const std::uint8_t *a = rows[k] + i, *b = rows[std::min(k + 1, count - 1)] + i;
    const auto w = pair_of(d16, weights[k], weights[k + 1]);
    for (int v = 0; v < kVectors; ++v) {
      const auto va = hn::PromoteTo(d16, hn::LoadU(d8, a + v * kLanes));
      const auto vb = hn::PromoteTo(d16, hn::LoadU(d8, b + v * kLanes));
      low[v] = add_pairs(d32, hn::InterleaveLower(d16, va, vb), w, low[v]);
      high[v] = add_pairs(d32, hn::InterleaveUpper(d16, va, vb), w, high[v]);
    }
  }
  for (int v = 0; v < kVectors; ++v)
    hn::StoreU(hn::ReorderDemote2To(d16, hn::ShiftRightSame(low[v], down), hn::ShiftRightSame(high[v], down)), d16,
               out + v * kLanes);
}

void blend_line(const std::uint8_t* const* rows, const std::int16_t* weights, std::int32_t count, int down,
                std::int32_t begin, std::int32_t end, std::int16_t* out) {
  constexpr auto kLanes = static_cast<std::int32_t>(hn::MaxLanes(hn::ScalableTag<std::int16_t>()));
  if (end - begin < kLanes) return blend_plain(rows, weights, count, down, begin, end, out);
  std::int32_t i = begin;
  for (; i + 4 * kLanes <= end; i += 4 * kLanes) blend_vectors<4>(rows, weights, count, down, i, out + (i - begin));
  for (; i + kLanes <= end; i += kLanes) blend_vectors<1>(rows, weights, count, down, i, out + (i - begin));
  // The last vector overlaps the one before it: no byte behind the rows is read.
  if (i < end) blend_vectors<1>(rows, weights, count, down, end - kLanes, out + (end - kLanes - begin));
}

void split_three(const std::int16_t* in, std::int32_t pixels, std::int16_t* out, std::ptrdiff_t plane_stride) {
  const hn::CappedTag<std::int16_t, 8> d;
  constexpr auto kLanes = static_cast<std::int32_t>(hn::MaxLanes(d));
  std::int32_t x = 0;
  for (; x + kLanes <= pixels; x += kLanes) {
    hn::Vec<decltype(d)> a, b, c;
    hn::LoadInterleaved3(d, in + 3 * x, a, b, c);
    hn::StoreU(a, d, out + x), hn::StoreU(b, d, out + plane_stride + x), hn::StoreU(c, d, out + 2 * plane_stride + x);
  }
  for (; x < pixels; ++x)
    for (std::int32_t c = 0; c < 3; ++c) out[c * plane_stride + x] = in[3 * x + c];
}

using Four32 = hn::Vec<hn::FixedTag<std::int32_t, 4> >;

HWY_INLINE Four32 fold(Four32 v) { return v; }
#if HWY_MAX_BYTES >= 32
HWY_INLINE Four32 fold(hn::Vec<hn::FixedTag<std::int32_t, 8> > v) {
  return hn::Add(hn::LowerHalf(v), hn::UpperHalf(hn::FixedTag<std::int32_t, 4>(), v));
}
#endif

// Sums of products over `taps` (a multiple of D's lanes) in four lines: lane l is that of line l.
template <class D>
HWY_INLINE Four32 dots(D d16, const std::int16_t* const* lines, std::ptrdiff_t at, const std::int16_t* weights,
                       std::int32_t taps) {
  const hn::RepartitionToWide<D> d32;
  const hn::RepartitionToWide<decltype(d32)> d64;
  constexpr auto kLanes = static_cast<std::int32_t>(hn::MaxLanes(D()));
  auto s0 = hn::Zero(d32), s1 = s0, s2 = s0, s3 = s0;
  for (std::int32_t k = 0; k < taps; k += kLanes) {
    const auto w = hn::LoadU(d16, weights + k);
    s0 = add_pairs(d32, w, hn::LoadU(d16, lines[0] + at + k), s0);
    s1 = add_pairs(d32, w, hn::LoadU(d16, lines[1] + at + k), s1);
    s2 = add_pairs(d32, w, hn::LoadU(d16, lines[2] + at + k), s2);
    s3 = add_pairs(d32, w, hn::LoadU(d16, lines[3] + at + k), s3);
  }
  const auto a = hn::BitCast(d64, hn::Add(hn::InterleaveLower(d32, s0, s1), hn::InterleaveUpper(d32, s0, s1)));
  const auto b = hn::BitCast(d64, hn::Add(hn::InterleaveLower(d32, s2, s3), hn::InterleaveUpper(d32, s2, s3)));
  return fold(
      hn::Add(hn::BitCast(d32, hn::InterleaveLower(d64, a, b)), hn::BitCast(d32, hn::InterleaveUpper(d64, a, b))));
}

// Output sample `i` of four lines, rounded, not yet clamped.
template <class D>
HWY_INLINE Four32 filtered(D d16, const std::int16_t* const* lines, const Windows<std::int16_t>& w, std::int32_t i) {
  const hn::FixedTag<std::int32_t, 4> d32;
  const int down = w.shift + kFraction8;
  const std::ptrdiff_t at = w.first[i] - w.origin;
  if (w.stride <= kBlock8) {
    // Rounded in two steps, for the sum may use all 32 bits.
    const Four32 halves = hn::ShiftRightSame(dots(d16, lines, at, w.of(i), w.stride), down - 1);
    return hn::ShiftRight<1>(hn::Add(halves, hn::Set(d32, 1)));
  }
  std::int64_t total[4] = {};
  HWY_ALIGN std::int32_t sums[4];
  for (std::int32_t k = 0; k < w.stride; k += kBlock8) {
    hn::Store(dots(d16, lines, at + k, w.of(i) + k, std::min(kBlock8, w.stride - k)), d32, sums);
    for (int line = 0; line < 4; ++line) total[line] += sums[line];
  }
  for (int line = 0; line < 4; ++line)
    sums[line] = static_cast<std::int32_t>((total[line] + (std::int64_t{1} << (down - 1))) >> down);
  return hn::Load(d32, sums);
}

template <class D>
void filter_fours(D d16, const std::int16_t* const* lines, const Windows<std::int16_t>& w, std::uint8_t* const* out) {
  const hn::FixedTag<std::int16_t, 8> packed16;
  const hn::FixedTag<std::uint8_t, 8> packed8;
  const hn::FixedTag<std::uint8_t, 16> d8;
  HWY_ALIGN static constexpr std::uint8_t kByLine[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  const auto by_line = hn::Load(d8, kByLine);
  for (std::int32_t next = w.begin; next < w.end; next += 4) {
    const std::int32_t i = std::min(next, w.end - 4);  // the last four overlap those before them
    const auto pixels = [&](std::int32_t x) HWY_ATTR {
      return hn::DemoteTo(packed8,
                          hn::ReorderDemote2To(packed16, filtered(d16, lines, w, x), filtered(d16, lines, w, x + 1)));
    };
    const auto bytes = hn::TableLookupBytes(hn::Combine(d8, pixels(i + 2), pixels(i)), by_line);
    HWY_ALIGN std::uint8_t four[16];
    hn::Store(bytes, d8, four);
    for (int line = 0; line < kLines8; ++line) std::memcpy(out[line] + (i - w.begin), four + 4 * line, 4);
  }
}

void filter_lines(const std::int16_t* const* lines, const Windows<std::int16_t>& w, std::uint8_t* const* out) {
  if (w.end - w.begin < 4) {
    for (int line = 0; line < kLines8; ++line) filter_plain(lines[line], w, w.begin, w.end, out[line]);
  } else if (w.stride == 8) {
    filter_fours(hn::FixedTag<std::int16_t, 8>(), lines, w, out);
  } else {
    filter_fours(hn::CappedTag<std::int16_t, 16>(), lines, w, out);
  }
}

void weave_three(const std::uint8_t* const* planes, std::int32_t pixels, std::uint8_t* out) {
  const hn::CappedTag<std::uint8_t, 16> d;
  constexpr auto kLanes = static_cast<std::int32_t>(hn::MaxLanes(d));
  std::int32_t x = 0;
  for (; x + kLanes <= pixels; x += kLanes)
    hn::StoreInterleaved3(hn::LoadU(d, planes[0] + x), hn::LoadU(d, planes[1] + x), hn::LoadU(d, planes[2] + x), d,
                          out + 3 * x);
  for (; x < pixels; ++x)
    for (std::int32_t c = 0; c < 3; ++c) out[3 * x + c] = planes[c][x];
}

#endif

void blend_pixels(const std::uint8_t* const* rows, const std::int16_t* weights, std::int32_t count, int shift,
                  std::int32_t begin, std::int32_t end, std::int16_t* out, std::ptrdiff_t plane_stride) {
  std::array<std::int16_t, kPart> part;
  for (std::int32_t x = begin; x < end; x += kPart / 3) {
    const std::int32_t pixels = std::min(kPart / 3, end - x);
    blend_line(rows, weights, count, shift - kFraction8, 3 * x, 3 * (x + pixels), part.data());
    split_three(part.data(), pixels, out + x, plane_stride);
  }
}

void blend_samples(const std::uint8_t* const* rows, const std::int16_t* weights, std::int32_t count, int shift,
                   std::int32_t begin, std::int32_t end, std::int16_t* out) {
  blend_line(rows, weights, count, shift - kFraction8, begin, end, out + begin);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::stages::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::stages::kernels {

HWY_EXPORT(blend_samples);
HWY_EXPORT(blend_pixels);
HWY_EXPORT(filter_lines);
HWY_EXPORT(weave_three);

void blend_u8(const std::uint8_t* const* rows, const std::int16_t* weights, std::int32_t count, int shift,
              std::int32_t begin, std::int32_t end, int channels, std::int16_t* out, std::ptrdiff_t plane_stride) {
  if (channels == 1) return HWY_DYNAMIC_DISPATCH(blend_samples)(rows, weights, count, shift, begin, end, out);
  HWY_DYNAMIC_DISPATCH(blend_pixels)(rows, weights, count, shift, begin, end, out, plane_stride);
}

void filter_u8(const std::int16_t* const* lines, const Windows<std::int16_t>& windows, std::uint8_t* const* out) {
  HWY_DYNAMIC_DISPATCH(filter_lines)(lines, windows, out);
}

void weave_u8(const std::uint8_t* const* planes, std::int32_t pixels, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(weave_three)(planes, pixels, out);
}

}  // namespace tessera::stages::kernels
#endif
