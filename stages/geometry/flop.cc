#include "stages/geometry/geometry_stages.h"
#include "stages/geometry/turn.h"

namespace tessera::stages {
namespace {

class Flop final : public Stage {
 public:
  PixelFormat working_format(PixelFormat in) const override { return in; }
  bool accepts_grids(const ImageInfo&) const override { return true; }
  bool only_moves_samples() const override { return true; }
  std::optional<ImageInfo> output(const ImageInfo& in) const override { return turned_info(in, kFlop); }
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext&) const override {
    return turn_operation(in, kFlop);
  }
};

std::unique_ptr<const Stage> make_flop(const Values&) { return std::make_unique<Flop>(); }

}  // namespace

StageEntry flop_stage() {
  return {"flop", "geometry", "Mirror: left and right change places.", "flop", Exactness::any_tiling, {}, make_flop};
}

}  // namespace tessera::stages
