// The stage that misbehaves, for images that are spread: their bands never see the file. It copies its input and, in
// images of one width and in the band that holds row y, does the fault first.
#include "stages/catalogue.h"
#include "stages/stage.h"
#include "stages/test_faults.h"
#include "tests/faults/fault_orders.h"

namespace tessera::stages {
namespace {

class FaultOperation final : public Operation {
 public:
  FaultOperation(const ImageInfo& info, FaultOrder order, std::int32_t row, bool here)
      : info_(info), order_(std::move(order)), row_(row), here_(here) {}
  ImageInfo output() const override { return info_; }
  Region required_input(const Region& out) const override { return out; }
  void apply(const View& in, const MutableView& out, Scratch&) const override {
    if (here_ && row_ >= out.region.y0 && row_ < out.region.y1) do_fault(order_);
    copy_pixels(info_, sub_view(info_, in, out.region), out);
  }

 private:
  ImageInfo info_;
  FaultOrder order_;
  std::int32_t row_;
  bool here_;
};

class FaultStage final : public Stage {
 public:
  explicit FaultStage(const Values& values)
      : order_{values.text("deed"), "stage", static_cast<std::uint64_t>(values.integer("argument"))},
        row_(values.integer("y")),
        width_(values.integer("width")) {}
  PixelFormat working_format(PixelFormat in) const override { return in; }
  bool accepts_grids(const ImageInfo&) const override { return true; }
  bool only_moves_samples() const override { return true; }
  std::optional<ImageInfo> output(const ImageInfo& in) const override { return in; }
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext&) const override {
    return std::make_unique<FaultOperation>(in, order_, row_, width_ == 0 || width_ == in.width);
  }

 private:
  FaultOrder order_;
  std::int32_t row_, width_;
};

}  // namespace

StageEntry fault_stage() {
  return {"fault",
          "test",
          "Misbehaves, in tests",
          "fault none",
          Exactness::any_tiling,
          {{"deed", ParameterType::text, "What it does", "", true},
           {"y", ParameterType::integer, "In the band that holds this row", "0", false, "px", 0, kMaxSide},
           {"width", ParameterType::integer, "In images of this width; 0: in all", "0", false, "px", 0, kMaxSide},
           {"argument", ParameterType::integer, "What the deed is told", "0", false, {}, 0, 1 << 30}},
          [](const Values& values) -> std::unique_ptr<const Stage> { return std::make_unique<FaultStage>(values); }};
}

}  // namespace tessera::stages
