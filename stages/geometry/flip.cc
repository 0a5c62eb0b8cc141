#include "stages/geometry/geometry_stages.h"
#include "stages/geometry/turn.h"

namespace tessera::stages {
namespace {

class Flip final : public Stage {
 public:
  PixelFormat working_format(PixelFormat in) const override { return in; }
  bool accepts_grids(const ImageInfo&) const override { return true; }
  bool only_moves_samples() const override { return true; }
  std::optional<ImageInfo> output(const ImageInfo& in) const override { return turned_info(in, kFlip); }
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext&) const override {
    return turn_operation(in, kFlip);
  }
};

std::unique_ptr<const Stage> make_flip(const Values&) { return std::make_unique<Flip>(); }

}  // namespace

StageEntry flip_stage() {
  return {"flip", "geometry", "Turn upside down: top and bottom change places.", "flip", Exactness::any_tiling,
          {},     make_flip};
}

}  // namespace tessera::stages
