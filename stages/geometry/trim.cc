#include <fmt/format.h>

#include <charconv>
#include <stdexcept>

#include "stages/geometry/background.h"
#include "stages/geometry/border_statistic.h"
#include "stages/geometry/crop.h"
#include "stages/geometry/geometry_stages.h"
#include "stages/working_format.h"

namespace tessera::stages {
namespace {

class Trim final : public Stage {
 public:
  /// tolerance: 0..1 of the range.
  Trim(double tolerance, std::optional<Color> background) : tolerance_(tolerance), background_(background) {}

  PixelFormat working_format(PixelFormat in) const override {
    return background_ ? format_for_background(interleaved(in), *background_) : interleaved(in);
  }
  std::optional<ImageInfo> output(const ImageInfo&) const override { return std::nullopt; }
  std::unique_ptr<const Reduction> reduction(const ImageInfo& in) const override { return border_reduction(in); }
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext& context) const override {
    const double top = in.format.depth == Depth::u8 ? 255 : in.format.depth == Depth::u16 ? 65535 : 1;
    const Region content = content_region(in, context.statistic, border_color(in.format, top), tolerance_ * top);
    return crop_operation(in, content.empty() ? in.bounds() : content);
  }

 private:
  std::vector<double> border_color(PixelFormat format, double top) const {
    if (!background_) return {};
    const BackgroundPixel pixel = background_pixel(format, *background_);
    std::vector<double> color(pixel.samples.begin(), pixel.samples.begin() + format.channels());
    if (format.alpha)
      for (std::size_t c = 0; c + 1 < color.size(); ++c) color[c] *= color.back() / top;
    return color;
  }

  double tolerance_;
  std::optional<Color> background_;
};

double read_tolerance(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
  const double top = rest == "%" ? 100 : 255;
  if (error != std::errc() || (!rest.empty() && rest != "%") || !(value >= 0 && value <= top))
    throw std::invalid_argument(
        fmt::format("trim tolerance: '{}' is neither a number of levels (0 to 255) nor a percentage (4%)", text));
  return value / top;
}

std::unique_ptr<const Stage> make_trim(const Values& values) {
  const std::string& background = values.text("background");
  std::optional<Color> color;
  if (background != "auto") {
    try {
      color = parse_color(background);
    } catch (const std::invalid_argument& e) {
      throw std::invalid_argument(fmt::format("trim background: {}, or auto", e.what()));
    }
  }
  return std::make_unique<Trim>(read_tolerance(values.text("tolerance")), color);
}

}  // namespace

StageEntry trim_stage() {
  return {"trim",
          "geometry",
          "Cut off a border of one colour. An image that is nothing but border stays as it is.",
          "trim tolerance=10",
          Exactness::any_tiling,
          {{.name = "tolerance",
            .type = ParameterType::text,
            .help = "how far a channel of the border may be from its colour: levels of 255, or percent (4%)",
            .default_value = "10",
            .unit = "levels"},
           {.name = "background",
            .type = ParameterType::text,
            .help = "the border's colour; auto: that of the top left pixel",
            .default_value = "auto"}},
          make_trim};
}

}  // namespace tessera::stages
