#include <cmath>

#include "stages/geometry/background.h"
#include "stages/geometry/free_rotation.h"
#include "stages/geometry/geometry_stages.h"
#include "stages/geometry/turn.h"
#include "stages/working_format.h"

namespace tessera::stages {
namespace {

class QuarterTurns final : public Stage {
 public:
  explicit QuarterTurns(Turn turn) : turn_(turn) {}

  PixelFormat working_format(PixelFormat in) const override { return in; }
  bool accepts_grids(const ImageInfo&) const override { return true; }
  bool only_moves_samples() const override { return true; }
  std::optional<ImageInfo> output(const ImageInfo& in) const override { return turned_info(in, turn_); }
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext&) const override {
    return turn_operation(in, turn_);
  }

 private:
  Turn turn_;
};

class Rotate final : public Stage {
 public:
  Rotate(double degrees, const Color& background) : degrees_(degrees), background_(background) {}

  PixelFormat working_format(PixelFormat in) const override {
    return format_for_background(interleaved(in), background_);
  }
  std::optional<ImageInfo> output(const ImageInfo& in) const override { return rotated_info(in, degrees_); }
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext&) const override {
    return free_rotation(in, degrees_, background_);
  }

 private:
  double degrees_;
  Color background_;
};

std::unique_ptr<const Stage> make_rotate(const Values& values) {
  const double degrees = values.number("angle");
  if (std::fmod(degrees, 90) == 0)
    return std::make_unique<QuarterTurns>(quarter_turns(static_cast<int>(degrees / 90) + 4));
  return std::make_unique<Rotate>(degrees, values.color("background"));
}

}  // namespace

StageEntry rotate_stage() {
  return {"rotate",
          "geometry",
          "Turn clockwise. Multiples of 90 degrees are lossless; others interpolate and enlarge the canvas.",
          "rotate 90",
          Exactness::any_tiling,
          {{.name = "angle",
            .type = ParameterType::number,
            .help = "clockwise",
            .default_value = "",
            .required = true,
            .unit = "deg",
            .min = -360,
            .max = 360},
           {.name = "background",
            .type = ParameterType::color,
            .help = "the colour of the corners; one that is not opaque gives the image an alpha channel",
            .default_value = "black"}},
          make_rotate};
}

}  // namespace tessera::stages
