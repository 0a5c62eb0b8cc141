#include "stages/orientation.h"

#include <array>

namespace tessera::stages {
namespace {

// EXIF 2.32, tag 0x0112: which side of the picture the stored row 0 and column 0 are.
constexpr std::array<Turn, 9> kTurns{{
    {},
    {},                    // 1 top, left
    kFlop,                 // 2 top, right
    quarter_turns(2),      // 3 bottom, right
    kFlip,                 // 4 bottom, left
    {true, false, false},  // 5 left, top
    quarter_turns(1),      // 6 right, top
    {true, true, true},    // 7 right, bottom
    quarter_turns(3),      // 8 left, bottom
}};

}  // namespace

Turn orientation_turn(int orientation) {
  return orientation >= 1 && orientation <= 8 ? kTurns[static_cast<std::size_t>(orientation)] : Turn{};
}

std::vector<std::unique_ptr<const Operation>> orientation_operations(const ImageInfo& in, int exif_orientation) {
  std::vector<std::unique_ptr<const Operation>> operations;
  if (orientation_turn(exif_orientation) != Turn{})
    operations.push_back(turn_operation(in, orientation_turn(exif_orientation)));
  return operations;
}

ImageInfo oriented_info(const ImageInfo& in, int exif_orientation) {
  return turned_info(in, orientation_turn(exif_orientation));
}

}  // namespace tessera::stages
