// Row functions that codecs and conversions share, compiled for every SIMD target, with the same bytes from all.
#pragma once

#include <cstdint>

namespace tessera::stages::pixel_rows {

/// out[i] is the mean of the samples 2i and 2i + 1 of both rows, half goes up.
void average_2x2(const std::uint8_t* above, const std::uint8_t* below, std::int32_t count, std::uint8_t* out);

/// libjpeg's fixed point (jdcolor.c): 16 bits, each product rounded half up, so planes give the bytes of its own
/// decode.
void ycbcr_to_bgr(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr, std::int32_t pixels,
                  std::uint8_t* out);

}  // namespace tessera::stages::pixel_rows
