// The arithmetic of gaussian and sharpen over rows: plain functions without memory of their own, compiled for every
// SIMD target (simd/target.h), with the same bytes from all.
#pragma once

#include <cstdint>

namespace tessera::stages::detail_rows {

constexpr int kWeightBits = 14;   // half[0] + 2 * (half[1] + ...) is 1 << kWeightBits, none is negative
constexpr int kFractionBits = 6;  // of a convolved sample
constexpr int kAmountBits = 10;   // of sharpen's amount

/// Symmetric convolution of `count` samples. taps[k], k = 0 .. 2 * radius, is the row (or the shifted row) of tap k and
/// half[k] the weight of the taps radius - k and radius + k.
void convolve_u8(const std::uint8_t* const* taps, std::int32_t radius, const std::int16_t* half, std::int32_t count,
                 std::int16_t* out);
/// `taps`: samples with kFractionBits, 0 .. 255 << kFractionBits; so is `out`.
void convolve_fixed(const std::int16_t* const* taps, std::int32_t radius, const std::int16_t* half, std::int32_t count,
                    std::int16_t* out);
/// The sum of each sample runs from the centre outwards.
void convolve_float(const float* const* taps, std::int32_t radius, const float* half, std::int32_t count, float* out);

/// Half goes up.
void round_fixed(const std::int16_t* in, std::int32_t count, std::uint8_t* out);

/// in + amount * (in - blurred) where that difference reaches the threshold, rounded and clamped. `amount` has
/// kAmountBits of fraction and is at most 10, `blurred` and `threshold` have kFractionBits.
void sharpen_u8(const std::uint8_t* in, const std::int16_t* blurred, std::int32_t count, std::int16_t amount,
                std::int16_t threshold, std::uint8_t* out);

}  // namespace tessera::stages::detail_rows
