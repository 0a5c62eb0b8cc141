// The working formats that several stages share.
#pragma once

#include "stages/image.h"

namespace tessera::stages {

/// Gray and bgr stay; planes become bgr.
inline PixelFormat interleaved(PixelFormat f) {
  if (f.model == Model::ycbcr_planar) f.model = Model::bgr;
  return f;
}

/// The same with 8 or 16 bits, for stages that count or rank samples: float becomes 16 bit, clamped to 0..1.
inline PixelFormat interleaved_integer(PixelFormat f) {
  if (f.depth == Depth::f32) f.depth = Depth::u16;
  return interleaved(f);
}

/// One channel of luma, and alpha if there is one.
inline PixelFormat as_gray(PixelFormat f) {
  f.model = Model::gray;
  return f;
}

}  // namespace tessera::stages
