#include "stages/geometry/gravity.h"

namespace tessera::stages {
namespace {

// rest * 0, 1/2 or 1, rounded down for negative rests too.
std::int32_t share(std::int32_t rest, bool begin, bool end) { return begin ? 0 : end ? rest : rest >> 1; }

}  // namespace

const std::vector<std::string_view>& gravity_names() {
  static const std::vector<std::string_view> names{"center", "north",     "northeast", "east",     "southeast",
                                                   "south",  "southwest", "west",      "northwest"};
  return names;
}

std::array<std::int32_t, 2> place(std::string_view gravity, std::int32_t outer_width, std::int32_t outer_height,
                                  std::int32_t inner_width, std::int32_t inner_height) {
  return {share(outer_width - inner_width, gravity.ends_with("west"), gravity.ends_with("east")),
          share(outer_height - inner_height, gravity.starts_with("north"), gravity.starts_with("south"))};
}

}  // namespace tessera::stages
