#include "stages/simd/vectors.h"
//
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stages/simd/pixel_rows.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "stages/simd/pixel_rows.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::stages::pixel_rows {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::int32_t kBlueCb = 116130, kGreenCb = -22554, kGreenCr = -46802, kRedCr = 91881, kHalf = 32768;

std::uint8_t clamp_u8(std::int32_t v) { return static_cast<std::uint8_t>(std::clamp(v, 0, 255)); }

// From the pixel `i` on, where vectors end.
void average_plain(const std::uint8_t* above, const std::uint8_t* below, std::int32_t i, std::int32_t count,
                   std::uint8_t* out) {
  for (; i < count; ++i)
    out[i] = static_cast<std::uint8_t>((above[2 * i] + above[2 * i + 1] + below[2 * i] + below[2 * i + 1] + 2) >> 2);
}

void colors_plain(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr, std::int32_t i,
                  std::int32_t pixels, std::uint8_t* out) {
  for (; i < pixels; ++i) {
    const std::int32_t b = cb[i] - 128, r = cr[i] - 128;
    out[3 * i] = clamp_u8(y[i] + ((kBlueCb * b + kHalf) >> 16));
    out[3 * i + 1] = clamp_u8(y[i] + ((kGreenCb * b + kGreenCr * r + kHalf) >> 16));
    out[3 * i + 2] = clamp_u8(y[i] + ((kRedCr * r + kHalf) >> 16));
  }
}

#if HWY_TARGET == HWY_SCALAR

void average(const std::uint8_t* above, const std::uint8_t* below, std::int32_t count, std::uint8_t* out) {
  average_plain(above, below, 0, count, out);
}

void colors(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr, std::int32_t pixels,
            std::uint8_t* out) {
  colors_plain(y, cb, cr, 0, pixels, out);
}

#else

void average(const std::uint8_t* above, const std::uint8_t* below, std::int32_t count, std::uint8_t* out) {
  const hn::ScalableTag<std::int16_t> d16;
  const hn::Repartition<std::uint8_t, decltype(d16)> pairs8;
  const hn::RebindToUnsigned<decltype(d16)> pairs16;
  const hn::Rebind<std::uint8_t, decltype(d16)> d8;
  constexpr auto kLanes = static_cast<std::int32_t>(hn::MaxLanes(d16));
  // Both samples of each pair, which lie in one 16-bit number.
  const auto sum = [&](const std::uint8_t* in) HWY_ATTR {
    const auto both = hn::BitCast(pairs16, hn::LoadU(pairs8, in));
    return hn::Add(hn::And(both, hn::Set(pairs16, 255)), hn::ShiftRight<8>(both));
  };
  std::int32_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const auto four = hn::Add(hn::Add(sum(above + 2 * i), sum(below + 2 * i)), hn::Set(pairs16, 2));
    hn::StoreU(hn::DemoteTo(d8, hn::BitCast(d16, hn::ShiftRight<2>(four))), d8, out + i);
  }
  average_plain(above, below, i, count, out);
}

void colors(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr, std::int32_t pixels,
            std::uint8_t* out) {
  const hn::CappedTag<std::uint8_t, 16> d8;
  const hn::CappedTag<std::int16_t, 8> d16;
  const hn::Half<decltype(d8)> half8;
  const hn::CappedTag<std::int32_t, 4> d32;
  const hn::Half<decltype(d16)> half16;
  using V8 = hn::Vec<decltype(half8)>;
  using V16 = hn::Vec<decltype(half16)>;
  const auto wide = [&](V16 v) HWY_ATTR { return hn::PromoteTo(d32, v); };
  const auto scaled = [&](V16 b, std::int32_t kb, V16 r, std::int32_t kr) HWY_ATTR {
    const auto sum = hn::Add(hn::Mul(wide(b), hn::Set(d32, kb)), hn::Mul(wide(r), hn::Set(d32, kr)));
    return hn::DemoteTo(half16, hn::ShiftRight<16>(hn::Add(sum, hn::Set(d32, kHalf))));
  };
  const auto color = [&](V8 luma, V8 blue, std::int32_t kb, V8 red, std::int32_t kr) HWY_ATTR {
    const auto b = hn::Sub(hn::PromoteTo(d16, blue), hn::Set(d16, 128));
    const auto r = hn::Sub(hn::PromoteTo(d16, red), hn::Set(d16, 128));
    const auto change = hn::Combine(d16, scaled(hn::UpperHalf(half16, b), kb, hn::UpperHalf(half16, r), kr),
                                    scaled(hn::LowerHalf(b), kb, hn::LowerHalf(r), kr));
    return hn::DemoteTo(half8, hn::Add(hn::PromoteTo(d16, luma), change));
  };
  constexpr std::int32_t kStep = 16;
  std::int32_t i = 0;
  for (; i + kStep <= pixels; i += kStep) {
    const auto whole = [&](std::int32_t kb, std::int32_t kr) HWY_ATTR {
      const auto part = [&](std::int32_t x) HWY_ATTR {
        return color(hn::LoadU(half8, y + x), hn::LoadU(half8, cb + x), kb, hn::LoadU(half8, cr + x), kr);
      };
      return hn::Combine(d8, part(i + kStep / 2), part(i));
    };
    hn::StoreInterleaved3(whole(kBlueCb, 0), whole(kGreenCb, kGreenCr), whole(0, kRedCr), d8, out + 3 * i);
  }
  colors_plain(y, cb, cr, i, pixels, out);
}

#endif

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::stages::pixel_rows
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::stages::pixel_rows {

HWY_EXPORT(average);
HWY_EXPORT(colors);

void average_2x2(const std::uint8_t* above, const std::uint8_t* below, std::int32_t count, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(average)(above, below, count, out);
}
void ycbcr_to_bgr(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr, std::int32_t pixels,
                  std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(colors)(y, cb, cr, pixels, out);
}

}  // namespace tessera::stages::pixel_rows
#endif
