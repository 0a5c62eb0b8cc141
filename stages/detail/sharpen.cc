// Unsharp mask of the luma Y: every colour gets amount * (Y - gaussian(Y)) added where that difference reaches the
// threshold, so edges become steeper and no colour changes its hue. Planes get it in their luma plane, and chroma is
// left alone: the same picture.
//   in, out  u8, u16 or f32; gray or bgr, with or without alpha; ycbcr_planar u8 with full-size luma; any size
//   halo     ceil(3 * sigma)
//   border   reflect-101
//   alpha    left alone; the blurred luma is weighted by it, and pixels with alpha 0 are left alone
//   tiles    exact for all formats: u8 in fixed point (luma rounded, amount in 1/1024, the blur in 1/64 levels), u16
//            and f32 in float, sample by sample; u8 and u16 are rounded half up and clamped
#include <algorithm>
#include <cmath>

#include "stages/detail/detail.h"
#include "stages/detail/detail_rows.h"
#include "stages/detail/separable.h"
#include "stages/kernel.h"
#include "stages/luma.h"

namespace tessera::stages {
namespace {

using detail_rows::kAmountBits, detail_rows::kFractionBits, detail_rows::sharpen_u8;

// What each pixel of a row gets added, in whole levels.
TESSERA_KERNEL void differences_fixed(const std::uint8_t* luma_row, const std::int16_t* blurred, std::int32_t count,
                                      std::int32_t amount, std::int32_t threshold, std::int16_t* out) {
  for (std::int32_t i = 0; i < count; ++i) {
    const std::int32_t difference = (luma_row[i] << kFractionBits) - blurred[i];
    const std::int32_t kept = std::abs(difference) >= threshold ? difference : 0;
    const std::int32_t half = 1 << (kAmountBits + kFractionBits - 1);
    out[i] = static_cast<std::int16_t>((kept * amount + half) >> (kAmountBits + kFractionBits));
  }
}

TESSERA_KERNEL void add_differences(const std::uint8_t* in, const std::int16_t* differences, std::int32_t pixels,
                                    std::uint8_t* out) {
  for (std::int32_t x = 0; x < pixels; ++x)
    for (int c = 0; c < 3; ++c) {
      const std::int32_t sum = in[x * 3 + c] + differences[x];
      out[x * 3 + c] = static_cast<std::uint8_t>(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
}

TESSERA_KERNEL void luma_of_bgr(const std::uint8_t* in, std::int32_t pixels, std::uint8_t* out) {
  for (std::int32_t x = 0; x < pixels; ++x) out[x] = luma(in[3 * x], in[3 * x + 1], in[3 * x + 2]);
}

template <class Sample>
Sample stored(float level) {
  if constexpr (std::is_same_v<Sample, float>) return level;
  constexpr auto max = static_cast<float>(std::numeric_limits<Sample>::max());
  const float rounded = level + 0.5F;
  return static_cast<Sample>(rounded > max ? max : rounded > 0 ? rounded : 0);
}

/// `luma_row` is `in` itself if that is gray; it has alpha where `in` has.
template <class Sample>
void sharpen_levels(const Sample* in, const Sample* luma_row, const ConvolvedRow& row, const PixelFormat& format,
                    float amount, float threshold, Sample* out) {
  const int channels = format.channels(), colors = format.color_channels(), step = format.alpha ? 2 : 1;
  const float* blurred = row.levels;
  for (std::int32_t x = 0; x < row.pixels; ++x, in += channels, luma_row += step, out += channels, blurred += step) {
    const bool transparent = format.alpha && !(in[colors] > 0);
    const float difference = static_cast<float>(*luma_row) - *blurred;
    const bool change = !transparent && std::abs(difference) >= threshold;
    for (int c = 0; c < colors; ++c)
      out[c] = change ? stored<Sample>(static_cast<float>(in[c]) + amount * difference) : in[c];
    if (format.alpha) out[colors] = in[colors];
  }
}

struct UnsharpMask {
  double amount, sigma_px, threshold;  // threshold: 0..1
};

// The plane that is blurred: the image's own, or the luma of its colours.
ImageInfo luma_info(ImageInfo info) {
  info.format.model = Model::gray;
  info.grid = {info.grid[0], Grid{}, Grid{}, Grid{}};
  return info;
}

class SharpenOperation final : public NeighbourhoodOperation {
 public:
  SharpenOperation(const ImageInfo& info, const UnsharpMask& mask, const std::vector<double>& half)
      : NeighbourhoodOperation(info, static_cast<std::int32_t>(half.size()) - 1),
        luma_(luma_info(info)),
        convolution_(luma_, half),
        mask_(mask) {}

  void apply(const View& in, const MutableView& out, Scratch& scratch) const override {
    const Scratch::Mark mark(scratch);
    const View luma_view = luma_of(in, out.region, scratch);
    const auto added = scratch.take_array<std::int16_t>(static_cast<std::uint64_t>(out.plane().width));
    convolution_.run(luma_view, out.region, scratch, [&](const ConvolvedRow& row) {
      if (row.fixed) return fixed(in, luma_view, row, added.data(), out);
      switch (info().format.depth) {
        case Depth::u8:
          return levels<std::uint8_t>(in, luma_view, row, out);
        case Depth::u16:
          return levels<std::uint16_t>(in, luma_view, row, out);
        case Depth::f32:
          return levels<float>(in, luma_view, row, out);
      }
    });
    for (int p = 1; p < info().format.planes(); ++p) copy_plane(info(), p, in, out);
  }

 private:
  View luma_of(const View& in, const Region& region, Scratch& scratch) const {
    if (info().format.model != Model::bgr) {
      View plane = in;
      plane.format = luma_.format;
      return plane;
    }
    const MutableView made = scratch.take_view(luma_, required_input(region));
    const View part = sub_view(info(), in, made.region);
    for (std::int32_t y = 0; y < made.plane().height; ++y) switch (info().format.depth) {
        case Depth::u8:
          luma_row<std::uint8_t>(part, y, made);
          break;
        case Depth::u16:
          luma_row<std::uint16_t>(part, y, made);
          break;
        case Depth::f32:
          luma_row<float>(part, y, made);
          break;
      }
    return made;
  }
  template <class Sample>
  void luma_row(const View& in, std::int32_t y, const MutableView& out) const {
    const Sample* from = in.plane().row<Sample>(y);
    Sample* to = out.plane().row<Sample>(y);
    if constexpr (std::is_same_v<Sample, std::uint8_t>)
      if (!info().format.alpha) return luma_of_bgr(from, out.plane().width, to);
    for (std::int32_t x = 0; x < out.plane().width; ++x, from += info().format.channels()) {
      *to++ = luma(from[0], from[1], from[2]);
      if (info().format.alpha) *to++ = from[3];
    }
  }

  template <class Sample>
  static const Sample* at(const View& in, const ConvolvedRow& row) {
    return in.plane().row<Sample>(row.y - in.region.y0) + (row.x - in.region.x0) * in.format.channels();
  }
  template <class Sample>
  static Sample* at(const MutableView& out, const ConvolvedRow& row) {
    return out.plane().row<Sample>(row.y - out.region.y0) + (row.x - out.region.x0) * out.format.channels();
  }

  void fixed(const View& in, const View& luma_view, const ConvolvedRow& row, std::int16_t* added,
             const MutableView& out) const {
    const auto amount = static_cast<std::int16_t>(std::lround(mask_.amount * (1 << kAmountBits)));
    const auto threshold = static_cast<std::int16_t>(std::lround(mask_.threshold * 255 * (1 << kFractionBits)));
    const auto* from = at<std::uint8_t>(in, row);
    auto* to = at<std::uint8_t>(out, row);
    if (info().format.channels() == 1) return sharpen_u8(from, row.fixed, row.pixels, amount, threshold, to);
    differences_fixed(at<std::uint8_t>(luma_view, row), row.fixed, row.pixels, amount, threshold, added);
    add_differences(from, added, row.pixels, to);
  }
  template <class Sample>
  void levels(const View& in, const View& luma_view, const ConvolvedRow& row, const MutableView& out) const {
    const double max = std::is_same_v<Sample, float> ? 1 : static_cast<double>(std::numeric_limits<Sample>::max());
    sharpen_levels(at<Sample>(in, row), at<Sample>(luma_view, row), row, info().format,
                   static_cast<float>(mask_.amount), static_cast<float>(mask_.threshold * max), at<Sample>(out, row));
  }

  ImageInfo luma_;
  SeparableConvolution convolution_;
  UnsharpMask mask_;
};

class Sharpen final : public NeighbourhoodStage {
 public:
  explicit Sharpen(const UnsharpMask& mask) : mask_(mask), half_(gaussian_half(mask.sigma_px)) {}
  PixelFormat working_format(PixelFormat in) const override {
    return in == PixelFormat{Model::ycbcr_planar, Depth::u8, false} ? in : interleaved(in);
  }
  bool accepts_grids(const ImageInfo& in) const override { return in.grid[0].full_size(); }
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext&) const override {
    return std::make_unique<SharpenOperation>(in, mask_, half_);
  }

 private:
  UnsharpMask mask_;
  std::vector<double> half_;
};

}  // namespace

StageEntry sharpen_entry() {
  return {"sharpen",
          "detail",
          "Sharpens the luma by an unsharp mask: adds a part of its difference to the blurred picture",
          "sharpen 0.5 sigma=0.8",
          Exactness::any_tiling,
          {{"amount", ParameterType::number, "Part of the difference that is added; 0 changes nothing", "0.5", false,
            "", 0, 10},
           {"sigma", ParameterType::number, "Standard deviation of the blur", "1", false, "px", 0.1, 64},
           {"threshold", ParameterType::number, "Differences below this part of the full range are left alone", "0",
            false, "%", 0, 100}},
          [](const Values& v) -> std::unique_ptr<const Stage> {
            return std::make_unique<Sharpen>(
                UnsharpMask{v.number("amount"), v.number("sigma"), v.number("threshold") / 100});
          }};
}

}  // namespace tessera::stages
