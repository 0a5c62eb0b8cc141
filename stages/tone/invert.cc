// Negative: out = max - v.
//   in, out  u8, u16 or f32; alpha is left alone; no halo; exact under any tiling
#include "stages/tone/tone.h"

namespace tessera::stages {

StageEntry invert_entry() {
  return {"invert",
          "tone",
          "Turns the picture into its negative; alpha is left alone",
          "invert",
          Exactness::any_tiling,
          {},
          [](const Values&) -> std::unique_ptr<const Stage> {
            return std::make_unique<CurveStage>([](double sample) { return 1 - sample; });
          }};
}

}  // namespace tessera::stages
