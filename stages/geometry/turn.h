// The eight exact turns of an image: mirrored, upside down, by quarters. Samples are moved, never changed, on any grid
// and in any format.
#pragma once

#include <memory>

#include "stages/operation.h"

namespace tessera::stages {

/// First rows and columns change places, then the result is mirrored.
struct Turn {
  bool transpose = false;
  bool mirror_x = false;  // left and right change places
  bool mirror_y = false;  // top and bottom change places
  bool operator==(const Turn&) const = default;
};

constexpr Turn kFlip{false, false, true};
constexpr Turn kFlop{false, true, false};
/// Clockwise.
constexpr Turn quarter_turns(int quarters) {
  constexpr Turn kQuarters[4]{{}, {true, true, false}, {false, true, true}, {true, false, true}};
  return kQuarters[static_cast<unsigned>(quarters) % 4];
}

/// What undoes `turn`.
constexpr Turn inverse(Turn turn) {
  return {turn.transpose, turn.transpose ? turn.mirror_y : turn.mirror_x,
          turn.transpose ? turn.mirror_x : turn.mirror_y};
}
/// Where a region of an image of width x height pixels lies after the turn.
Region turned_region(const Region&, std::int32_t width, std::int32_t height, Turn turn);

/// A plane mirrored on an extent that its samples overshoot begins before the image afterwards: grid {1} of an image
/// 2725 wide gets phase -1. Halo none; exact under any tiling.
ImageInfo turned_info(const ImageInfo& in, Turn turn);
std::unique_ptr<const Operation> turn_operation(const ImageInfo& in, Turn turn);

}  // namespace tessera::stages
