// Brightness and contrast, ImageMagick's -brightness-contrast:
//   out    = slope * v + offset                     v in 0..1
//   slope  = tan(pi / 4 * (contrast / 100 + 1))     0 at -100, 1 at 0, a threshold at 100
//   offset = brightness / 100 + (1 - brightness / 100) / 2 * (1 - slope)
//   in, out  u8, u16 or f32; alpha is left alone; no halo; exact under any tiling
//   planes   stay planes where no level can be clipped (a lower contrast with little brightness): see affine_planes.h.
//            Clipped, B, G and R go on alone and the hue changes, which planes cannot do
//   source   MagickCore/enhance.c, BrightnessContrastImage
#include <algorithm>
#include <cmath>
#include <numbers>

#include "stages/tone/affine_planes.h"
#include "stages/tone/tone.h"

namespace tessera::stages {
namespace {

class BrightnessContrast final : public CurveStage {
 public:
  BrightnessContrast(double slope, double offset)
      : CurveStage([slope, offset](double sample) { return slope * sample + offset; }),
        slope_(slope),
        offset_(offset) {}
  PixelFormat working_format(PixelFormat in) const override {
    const bool planes = in == PixelFormat{Model::ycbcr_planar, Depth::u8, false};
    return planes && keeps_range(slope_, offset_) ? in : CurveStage::working_format(in);
  }
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext& context) const override {
    if (in.format.model == Model::ycbcr_planar) return affine_planes(in, slope_, offset_);
    return CurveStage::bind(in, context);
  }

 private:
  double slope_, offset_;
};

}  // namespace

StageEntry brightness_contrast_entry() {
  return {"brightness-contrast",
          "tone",
          "Makes the picture lighter or darker, and its contrast stronger or weaker",
          "brightness-contrast 10 contrast=20",
          Exactness::any_tiling,
          {{"brightness", ParameterType::number, "Part of the full range that is added", "0", false, "%", -100, 100},
           {"contrast", ParameterType::number, "-100 is flat gray, 0 changes nothing, 100 leaves only black and white",
            "0", false, "%", -100, 100}},
          [](const Values& v) -> std::unique_ptr<const Stage> {
            const double brightness = v.number("brightness") / 100, contrast = v.number("contrast") / 100;
            // Steeper than any two 16-bit levels can tell; tan itself runs to infinity.
            const double slope = std::min(std::tan(std::numbers::pi / 4 * (contrast + 1)), 1e6);
            const double offset = brightness + (1 - brightness) / 2 * (1 - slope);
            return std::make_unique<BrightnessContrast>(slope, offset);
          }};
}

}  // namespace tessera::stages
