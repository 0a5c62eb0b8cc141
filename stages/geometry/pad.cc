#include "stages/geometry/pad.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <stdexcept>

#include "stages/geometry/background.h"
#include "stages/geometry/geometry_stages.h"
#include "stages/geometry/geometry_text.h"
#include "stages/geometry/gravity.h"

namespace tessera::stages {
namespace {

Region moved(const Region& r, std::int32_t x, std::int32_t y) { return {r.x0 + x, r.y0 + y, r.x1 + x, r.y1 + y}; }

// Where a grid begins once its first sample's edge lies at `begin`: in front of the image by less than one sample.
std::int8_t phase_at(std::int32_t begin, int log2) {
  return static_cast<std::int8_t>(-(-static_cast<std::int64_t>(begin) & ((1 << log2) - 1)));
}

class PadOperation final : public Operation {
 public:
  PadOperation(const ImageInfo& in, std::int32_t left, std::int32_t top, std::int32_t width, std::int32_t height,
               const Color& background)
      : in_(in),
        out_(padded_info(in, left, top, width, height)),
        left_(left),
        top_(top),
        background_(background_pixel(in.format, background)) {
    assert(out_.bounds().contains(moved(in.bounds(), left, top)));
  }

  ImageInfo output() const override { return out_; }
  Region required_input(const Region& out) const override {
    Region touched = out;  // and what its samples reach beyond it
    for (int p = 0; p < out_.format.planes(); ++p) {
      const Grid& g = out_.grid[static_cast<std::size_t>(p)];
      const Region s = samples(out_, p, out);
      touched = unite(touched, {(s.x0 << g.log2_x) + g.phase_x, (s.y0 << g.log2_y) + g.phase_y,
                                (s.x1 << g.log2_x) + g.phase_x, (s.y1 << g.log2_y) + g.phase_y});
    }
    const Region need = intersect(moved(touched, -left_, -top_), in_.bounds());
    if (!need.empty()) return need;
    // Nothing but border: some pixel all the same, because no region is empty; the nearest, so that rows ascend.
    const std::int32_t x = std::clamp(out.x0 - left_, 0, in_.width - 1);
    const std::int32_t y = std::clamp(out.y0 - top_, 0, in_.height - 1);
    return {x, y, x + 1, y + 1};
  }
  void apply(const View& in, const MutableView& out, Scratch&) const override {
    for (int p = 0; p < out_.format.planes(); ++p) apply_plane(p, in, out);
  }
  std::array<double, 2> map_point(double x, double y) const override { return {x + left_, y + top_}; }

 private:
  // Rows of border, then of border, image, border. All in samples of this plane of the canvas.
  void apply_plane(int p, const View& in, const MutableView& out) const {
    const Grid &a = in_.grid[static_cast<std::size_t>(p)], &b = out_.grid[static_cast<std::size_t>(p)];
    const std::int32_t shift_x = (left_ + a.phase_x - b.phase_x) >> a.log2_x;
    const std::int32_t shift_y = (top_ + a.phase_y - b.phase_y) >> a.log2_y;
    const Region to = samples(out_, p, out.region), there = samples(in_, p, in.region);
    const Region image = intersect(to, moved(samples(in_, p, in_.bounds()), shift_x, shift_y));
    const auto bytes = static_cast<std::ptrdiff_t>(out_.format.pixel_bytes());
    const auto border = [&](std::int32_t x0, std::int32_t x1, std::int32_t y) {
      fill_pixels(background_, out_.format, p, x1 - x0, out.plane(p).row<std::byte>(y - to.y0) + (x0 - to.x0) * bytes);
    };
    for (std::int32_t y = to.y0; y < to.y1; ++y) {
      if (image.empty() || y < image.y0 || y >= image.y1) {
        border(to.x0, to.x1, y);
        continue;
      }
      border(to.x0, image.x0, y);
      std::memcpy(out.plane(p).row<std::byte>(y - to.y0) + (image.x0 - to.x0) * bytes,
                  in.plane(p).row<std::byte>(y - shift_y - there.y0) + (image.x0 - shift_x - there.x0) * bytes,
                  static_cast<std::size_t>(image.width() * bytes));
      border(image.x1, to.x1, y);
    }
  }

  ImageInfo in_, out_;
  std::int32_t left_, top_;
  BackgroundPixel background_;
};

class Pad final : public Stage {
 public:
  struct Sides {
    std::int32_t left, right, top, bottom;
  };
  Pad(std::optional<GeometryText> size, std::string gravity, Sides sides, const Color& background)
      : size_(size), gravity_(std::move(gravity)), sides_(sides), background_(background) {}

  PixelFormat working_format(PixelFormat in) const override { return format_for_background(in, background_); }
  bool accepts_grids(const ImageInfo& in) const override { return in.grid[0].full_size(); }
  std::optional<ImageInfo> output(const ImageInfo& in) const override {
    const Placement p = placement(in);
    return padded_info(in, p.left, p.top, p.width, p.height);
  }
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext&) const override {
    const Placement p = placement(in);
    return pad_operation(in, p.left, p.top, p.width, p.height, background_);
  }

 private:
  struct Placement {
    std::int32_t left, top, width, height;
  };

  // The canvas that `size` asks for, never smaller than the image, then the sides around it.
  Placement placement(const ImageInfo& in) const {
    const auto side = [](const std::optional<Length>& length, std::int32_t own) {
      return length ? std::max<double>(length->of(own), own) : own;
    };
    const double width = size_ ? side(size_->width, in.width) : in.width;
    const double height = size_ ? side(size_->height, in.height) : in.height;
    if (width + sides_.left + sides_.right > kMaxSide || height + sides_.top + sides_.bottom > kMaxSide)
      throw ImageError(fmt::format("the padded image would be larger than {} pixels on a side", kMaxSide));
    const auto w = static_cast<std::int32_t>(width), h = static_cast<std::int32_t>(height);
    const auto [x, y] = place(gravity_, w, h, in.width, in.height);
    return {x + sides_.left, y + sides_.top, w + sides_.left + sides_.right, h + sides_.top + sides_.bottom};
  }

  std::optional<GeometryText> size_;
  std::string gravity_;
  Sides sides_;
  Color background_;
};

std::unique_ptr<const Stage> make_pad(const Values& values) {
  std::optional<GeometryText> size;
  if (values.has("size")) {
    size = parse_geometry(values.text("size"));
    if (size->only_shrink || size->only_enlarge || size->exact || size->cover || size->offset)
      throw std::invalid_argument(
          fmt::format("pad size: '{}' has a suffix or an offset; pad takes WxH and a gravity", values.text("size")));
  }
  const Pad::Sides sides{values.integer("left"), values.integer("right"), values.integer("top"),
                         values.integer("bottom")};
  if (!size && sides.left + sides.right + sides.top + sides.bottom == 0)
    throw std::invalid_argument("pad: neither a size nor a side to pad is given");
  return std::make_unique<Pad>(size, values.text("gravity"), sides, values.color("background"));
}

Parameter side_parameter(std::string_view name, std::string_view help) {
  return {.name = name,
          .type = ParameterType::integer,
          .help = help,
          .default_value = "0",
          .unit = "px",
          .min = 0,
          .max = 1 << 20};
}

}  // namespace

ImageInfo padded_info(const ImageInfo& in, std::int32_t left, std::int32_t top, std::int32_t width,
                      std::int32_t height) {
  ImageInfo out = in;
  out.width = width, out.height = height;
  for (Grid& g : out.grid) {
    g.phase_x = phase_at(left + g.phase_x, g.log2_x);
    g.phase_y = phase_at(top + g.phase_y, g.log2_y);
  }
  return out;
}

std::unique_ptr<const Operation> pad_operation(const ImageInfo& in, std::int32_t left, std::int32_t top,
                                               std::int32_t width, std::int32_t height, const Color& background) {
  return std::make_unique<PadOperation>(in, left, top, width, height, background);
}

StageEntry pad_stage() {
  return {"pad",
          "geometry",
          "Add a border: up to a size, by sides, or both. Nothing is cut off an image that is larger already.",
          "pad 1200x1200 background=white",
          Exactness::any_tiling,
          {{.name = "size",
            .type = ParameterType::text,
            .help = "the canvas, WxH; a missing side is not padded",
            .default_value = "",
            .unit = "px"},
           {.name = "gravity",
            .type = ParameterType::choice,
            .help = "where the image lies on the canvas",
            .default_value = "center",
            .choices = gravity_names()},
           side_parameter("left", "pixels added on the left, around the canvas"),
           side_parameter("right", "pixels added on the right"),
           side_parameter("top", "pixels added at the top"),
           side_parameter("bottom", "pixels added at the bottom"),
           {.name = "background",
            .type = ParameterType::color,
            .help = "the border's colour; one that is not opaque gives the image an alpha channel",
            .default_value = "black"}},
          make_pad};
}

}  // namespace tessera::stages
