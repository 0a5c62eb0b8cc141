// Levels: black .. white is stretched to 0..1, bent by gamma, and laid into output-black .. output-white.
//   out = ob + (ow - ob) * clamp((v - b) / (w - b), 0, 1)^(1 / gamma)
//   in, out  u8, u16 or f32 (clamped to b..w); alpha is left alone; no halo; exact under any tiling
//   source   ImageMagick's -level and +level
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "stages/tone/tone.h"

namespace tessera::stages {

StageEntry levels_entry() {
  constexpr auto kNumber = ParameterType::number;
  return {"levels",
          "tone",
          "Stretches the tones between a black and a white point, with a gamma, into an output range",
          "levels 5 white=95 gamma=1.1",
          Exactness::any_tiling,
          {{"black", kNumber, "What becomes black", "0", false, "%", 0, 100},
           {"white", kNumber, "What becomes white; above black", "100", false, "%", 0, 100},
           {"gamma", kNumber, "Above 1 brightens the middle tones", "1", false, "", 0.05, 20},
           {"output-black", kNumber, "Where black is put; above output-white it inverts", "0", false, "%", 0, 100},
           {"output-white", kNumber, "Where white is put", "100", false, "%", 0, 100}},
          [](const Values& v) -> std::unique_ptr<const Stage> {
            const double black = v.number("black") / 100, white = v.number("white") / 100;
            const double exponent = 1 / v.number("gamma");
            const double low = v.number("output-black") / 100, high = v.number("output-white") / 100;
            if (white <= black)
              throw std::invalid_argument(
                  fmt::format("levels: white ({} %) must be above black ({} %)", v.number("white"), v.number("black")));
            return std::make_unique<CurveStage>([=](double sample) {
              const double part = std::clamp((sample - black) / (white - black), 0.0, 1.0);
              return low + (high - low) * std::pow(part, exponent);
            });
          }};
}

}  // namespace tessera::stages
