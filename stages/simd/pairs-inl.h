// Sums of products of 16-bit numbers, for files that are compiled once per target: included after Highway, each time.
#if defined(TESSERA_SIMD_PAIRS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_SIMD_PAIRS_INL_H
#undef TESSERA_SIMD_PAIRS_INL_H
#else
#define TESSERA_SIMD_PAIRS_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace tessera::stages::HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR
/// Vectors of 16 bits that hold first, second, first, second ...
template <class D16>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D16> pair_of(D16 d16, std::int16_t first, std::int16_t second) {
  namespace hn = hwy::HWY_NAMESPACE;
  const auto bits =
      static_cast<std::uint32_t>(static_cast<std::uint16_t>(second)) << 16 | static_cast<std::uint16_t>(first);
  return hn::BitCast(d16, hn::Set(hn::RepartitionToWide<D16>(), static_cast<std::int32_t>(bits)));
}

/// sum[i] + a[2i] * b[2i] + a[2i + 1] * b[2i + 1]: one instruction on x86 (pmaddwd) and an addition.
template <class D32, class V16, class V32>
HWY_INLINE V32 add_pairs(D32 d32, V16 a, V16 b, V32 sum) {
  namespace hn = hwy::HWY_NAMESPACE;
#if HWY_ARCH_X86
  V32 not_used = hn::Zero(d32);
  return hn::ReorderWidenMulAccumulate(d32, a, b, sum, not_used);
#else
  const auto low = [&](V16 v) HWY_ATTR { return hn::ShiftRight<16>(hn::ShiftLeft<16>(hn::BitCast(d32, v))); };
  const auto high = [&](V16 v) HWY_ATTR { return hn::ShiftRight<16>(hn::BitCast(d32, v)); };
  return hn::Add(sum, hn::Add(hn::Mul(low(a), low(b)), hn::Mul(high(a), high(b))));
#endif
}
#endif

}  // namespace tessera::stages::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
