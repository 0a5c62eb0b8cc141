// Grayscale. The work is in the working format: the plan converts to gray (BT.601 luma as cv::cvtColor; of a planar
// JPEG just the luma plane), and what is left to do is nothing, as a lookup that vanishes when the chain is fused.
//   out      gray of the same depth, alpha kept; no halo; exact under any tiling
#include "stages/tone/tone.h"

namespace tessera::stages {

StageEntry grayscale_entry() {
  return {"grayscale",
          "tone",
          "Makes the picture gray: one channel of BT.601 luma",
          "grayscale",
          Exactness::any_tiling,
          {},
          [](const Values&) -> std::unique_ptr<const Stage> {
            return std::make_unique<LumaCurveStage>([](double sample) { return sample; });
          }};
}

}  // namespace tessera::stages
