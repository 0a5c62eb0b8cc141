// BT.601 luma of one pixel.
#pragma once

#include <cstdint>
#include <type_traits>

namespace tessera::stages {

/// u8 and u16 in 15-bit fixed point, rounded, with the weights of cv::cvtColor (they sum to one; the sum of the largest
/// 16-bit samples stays below 2^31); float in a fixed order of additions.
template <class Sample>
inline Sample luma(Sample blue, Sample green, Sample red) {
  if constexpr (std::is_same_v<Sample, float>)
    return 0.114F * blue + 0.587F * green + 0.299F * red;
  else
    return static_cast<Sample>((blue * 3735U + green * 19235U + red * 9798U + 16384U) >> 15);
}

}  // namespace tessera::stages
