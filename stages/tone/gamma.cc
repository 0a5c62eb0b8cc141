// Gamma: out = v^(1 / value), v in 0..1; above 1 brightens, as ImageMagick's -gamma.
//   in, out  u8, u16 or f32 (negative samples stay); alpha is left alone; no halo; exact under any tiling
#include <cmath>

#include "stages/tone/tone.h"

namespace tessera::stages {

StageEntry gamma_entry() {
  return {"gamma",
          "tone",
          "Brightens (above 1) or darkens (below 1) the middle tones; black and white stay",
          "gamma 1.2",
          Exactness::any_tiling,
          {{"value", ParameterType::number, "The exponent is 1 / value", "", true, "", 0.05, 20}},
          [](const Values& v) -> std::unique_ptr<const Stage> {
            const double exponent = 1 / v.number("value");
            return std::make_unique<CurveStage>(
                [exponent](double sample) { return sample > 0 ? std::pow(sample, exponent) : sample; });
          }};
}

}  // namespace tessera::stages
