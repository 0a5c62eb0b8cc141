// Where the smaller of two rectangles lies in the larger one.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "stages/image.h"

namespace tessera::stages {

/// The choices of every `gravity` parameter.
const std::vector<std::string_view>& gravity_names();

/// The offset of `inner` in `outer` along x and y for a name of gravity_names(). An odd rest leaves the smaller part on
/// the left and on the top, as ImageMagick does. Negative where inner is larger.
std::array<std::int32_t, 2> place(std::string_view gravity, std::int32_t outer_width, std::int32_t outer_height,
                                  std::int32_t inner_width, std::int32_t inner_height);

}  // namespace tessera::stages
