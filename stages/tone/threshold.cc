// Black and white: white where the luma is at least `value` percent of the full range.
//   in       u8, u16 or f32; colours become BT.601 luma first (stages/convert.h)
//   out      gray of the same depth; alpha is left alone; no halo; exact under any tiling
#include "stages/tone/tone.h"

namespace tessera::stages {

StageEntry threshold_entry() {
  return {"threshold",
          "tone",
          "Makes the picture black and white, by its luma",
          "threshold 50",
          Exactness::any_tiling,
          {{"value", ParameterType::number, "Luma from which on a pixel is white", "50", false, "%", 0, 100}},
          [](const Values& v) -> std::unique_ptr<const Stage> {
            const double limit = v.number("value");
            // Compared in percent: 20 % of 255 is the level 51 exactly, and must not be missed by a rounded quotient.
            return std::make_unique<LumaCurveStage>(
                [limit](double sample) { return sample * 100 + 1e-9 >= limit ? 1.0 : 0.0; });
          }};
}

}  // namespace tessera::stages
