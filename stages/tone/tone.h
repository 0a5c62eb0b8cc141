// The entries of the tone and colour stages, one per file of this folder, and the stage that is a curve.
#pragma once

#include "stages/catalogue.h"
#include "stages/lookup.h"
#include "stages/working_format.h"

namespace tessera::stages {

StageEntry brightness_contrast_entry();
StageEntry gamma_entry();
StageEntry levels_entry();
StageEntry grayscale_entry();
StageEntry saturation_entry();
StageEntry invert_entry();
StageEntry threshold_entry();
StageEntry equalize_entry();
StageEntry auto_levels_entry();
StageEntry white_balance_entry();

/// The same curve for every colour channel; alpha is left alone. A pure lookup for u8 and u16, so neighbours fuse.
class CurveStage : public Stage {
 public:
  explicit CurveStage(ToneCurve curve) : curve_(std::move(curve)) {}
  PixelFormat working_format(PixelFormat in) const override { return interleaved(in); }
  bool accepts_grids(const ImageInfo&) const override { return true; }
  std::optional<ImageInfo> output(const ImageInfo& in) const override { return in; }
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext&) const override {
    return tone_operation(in, {curve_});
  }

 private:
  ToneCurve curve_;
};

/// A curve of the luma: gray in, gray out.
class LumaCurveStage final : public CurveStage {
 public:
  using CurveStage::CurveStage;
  PixelFormat working_format(PixelFormat in) const override { return as_gray(in); }
};

/// Changes nothing: what a stage binds to whose statistic says so.
inline std::unique_ptr<const Operation> identity_operation(const ImageInfo& info) {
  return tone_operation(info, {[](double v) { return v; }});
}

}  // namespace tessera::stages
