#include "stages/geometry/crop.h"

#include <fmt/format.h>

#include <cassert>
#include <cstring>

#include "stages/geometry/geometry_stages.h"
#include "stages/geometry/geometry_text.h"
#include "stages/geometry/gravity.h"
#include "stages/orientation.h"

namespace tessera::stages {
namespace {

class CropOperation final : public Operation {
 public:
  CropOperation(const ImageInfo& in, const Region& window) : in_(in), window_(window), out_(cropped_info(in, window)) {}

  ImageInfo output() const override { return out_; }
  Region required_input(const Region& out) const override {
    return {out.x0 + window_.x0, out.y0 + window_.y0, out.x1 + window_.x0, out.y1 + window_.y0};
  }
  void apply(const View& in, const MutableView& out, Scratch&) const override {
    const View part = sub_view(in_, in, required_input(out.region));
    for (int p = 0; p < out.format.planes(); ++p) {
      const auto& from = part.plane(p);
      const auto& to = out.plane(p);
      assert(from.width == to.width && from.height == to.height);
      const auto bytes = static_cast<std::size_t>(to.width) * static_cast<std::size_t>(out.format.pixel_bytes());
      for (std::int32_t y = 0; y < to.height; ++y) std::memcpy(to.row<std::byte>(y), from.row<std::byte>(y), bytes);
    }
  }
  std::array<double, 2> map_point(double x, double y) const override { return {x - window_.x0, y - window_.y0}; }

 private:
  ImageInfo in_;
  Region window_;
  ImageInfo out_;
};

class Crop final : public Stage {
 public:
  Crop(const GeometryText& geometry, std::string text, std::string gravity)
      : geometry_(geometry), text_(std::move(text)), gravity_(std::move(gravity)) {}

  PixelFormat working_format(PixelFormat in) const override { return in; }
  bool accepts_grids(const ImageInfo&) const override { return true; }
  bool only_moves_samples() const override { return true; }
  bool goes_before_turns() const override { return true; }
  std::optional<ImageInfo> output(const ImageInfo& in) const override { return cropped_info(in, window(in)); }
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext& context) const override {
    const Turn turn = orientation_turn(context.orientation);
    const ImageInfo upright = turned_info(in, turn);
    return crop_operation(in, turned_region(window(upright), upright.width, upright.height, inverse(turn)));
  }

 private:
  Region window(const ImageInfo& in) const {
    const auto side = [](const std::optional<Length>& length, std::int32_t whole) {
      return length ? static_cast<std::int32_t>(std::min<double>(length->of(whole), kMaxSide)) : whole;
    };
    const std::int32_t width = side(geometry_.width, in.width), height = side(geometry_.height, in.height);
    const std::string_view fallback = geometry_.offset ? "northwest" : "center";
    const std::string_view gravity = gravity_.empty() ? fallback : std::string_view(gravity_);
    auto [x, y] = place(gravity, in.width, in.height, width, height);
    if (geometry_.offset) {
      // Offsets go inwards from the side that the gravity names.
      x += gravity.ends_with("east") ? -(*geometry_.offset)[0] : (*geometry_.offset)[0];
      y += gravity.starts_with("south") ? -(*geometry_.offset)[1] : (*geometry_.offset)[1];
    }
    // Sides and offsets reach 2^26: their sums stay in 32 bits.
    const Region window = intersect({x, y, x + width, y + height}, in.bounds());
    if (window.empty())
      throw ImageError(fmt::format("the crop {} lies outside the image, which is {}x{}", text_, in.width, in.height));
    return window;
  }

  GeometryText geometry_;
  std::string text_, gravity_;
};

std::unique_ptr<const Stage> make_crop(const Values& values) {
  const GeometryText geometry = parse_geometry(values.text("size"));
  if (geometry.only_shrink || geometry.only_enlarge || geometry.exact || geometry.cover)
    throw std::invalid_argument(
        fmt::format("crop size: '{}' has a suffix that means something to resize only", values.text("size")));
  return std::make_unique<Crop>(geometry, values.text("size"), values.text("gravity"));
}

}  // namespace

ImageInfo cropped_info(const ImageInfo& in, const Region& window) {
  assert(in.bounds().contains(window) && !window.empty());
  ImageInfo out = in;
  out.width = window.width(), out.height = window.height();
  // The first sample that touches the window starts at or before it.
  const auto phase = [](std::int32_t begin, int log2, int old) {
    return static_cast<std::int8_t>((((begin - old) >> log2) << log2) + old - begin);
  };
  for (Grid& g : out.grid) {
    g.phase_x = phase(window.x0, g.log2_x, g.phase_x);
    g.phase_y = phase(window.y0, g.log2_y, g.phase_y);
  }
  return out;
}

std::unique_ptr<const Operation> crop_operation(const ImageInfo& in, const Region& window) {
  return std::make_unique<CropOperation>(in, window);
}

StageEntry crop_stage() {
  return {"crop",
          "geometry",
          "Cut out a part: WxH+X+Y, or WxH placed by gravity. What lies outside the image is left out.",
          "crop 640x480+100+50",
          Exactness::any_tiling,
          {{.name = "size",
            .type = ParameterType::text,
            .help = "WxH, WxH+X+Y, or sides in percent of the image (50%x50%); a missing side means all of it",
            .default_value = "",
            .required = true,
            .unit = "px"},
           {.name = "gravity",
            .type = ParameterType::choice,
            .help = "where the part lies, or from where +X+Y counts; not set: center, or northwest with +X+Y",
            .default_value = "",
            .choices = gravity_names()}},
          make_crop};
}

}  // namespace tessera::stages
