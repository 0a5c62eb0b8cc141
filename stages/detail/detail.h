// The entries of the detail stages, one per file of this folder, and what their operations have in common.
#pragma once

#include "stages/catalogue.h"
#include "stages/detail/border.h"
#include "stages/working_format.h"

namespace tessera::stages {

StageEntry gaussian_entry();
StageEntry box_entry();
StageEntry median_entry();
StageEntry sharpen_entry();
StageEntry edge_entry();

/// A stage on interleaved full-size pixels whose result has the size and format of its working format.
class NeighbourhoodStage : public Stage {
 public:
  PixelFormat working_format(PixelFormat in) const override { return interleaved(in); }
  std::optional<ImageInfo> output(const ImageInfo& in) const override { return in; }
};

/// An operation that needs radius_px more pixels on each side.
class NeighbourhoodOperation : public Operation {
 public:
  NeighbourhoodOperation(const ImageInfo& info, std::int32_t radius_px) : info_(info), radius_(radius_px) {}
  ImageInfo output() const override { return info_; }
  Region required_input(const Region& out) const override { return neighbourhood(info_, out, radius_); }

 protected:
  const ImageInfo& info() const { return info_; }
  std::int32_t radius() const { return radius_; }

 private:
  ImageInfo info_;
  std::int32_t radius_;
};

}  // namespace tessera::stages
