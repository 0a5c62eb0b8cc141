// Unsharp mask: out = in + amount * (in - gaussian(in)) where the difference reaches the threshold.
//   in, out  u8, u16 or f32; gray or bgr, with or without alpha; any size
//   halo     ceil(3 * sigma)
//   border   reflect-101
//   alpha    left alone; the blurred colours are weighted by it, and pixels with alpha 0 are left alone
//   tiles    exact for all formats: u8 in fixed point (amount in 1/1024, the blur in 1/64 levels), u16 and f32 in
//   float,
//            sample by sample; u8 and u16 are rounded half up and clamped
#include <algorithm>
#include <cmath>

#include "stages/detail/detail.h"
#include "stages/detail/detail_rows.h"
#include "stages/detail/separable.h"

namespace tessera::stages {
namespace {

template <class Sample>
Sample stored(float level) {
  if constexpr (std::is_same_v<Sample, float>) return level;
  constexpr auto max = static_cast<float>(std::numeric_limits<Sample>::max());
  const float rounded = level + 0.5F;
  return static_cast<Sample>(rounded > max ? max : rounded > 0 ? rounded : 0);
}

template <class Sample>
void sharpen_levels(const Sample* in, const ConvolvedRow& row, const PixelFormat& format, float amount, float threshold,
                    Sample* out) {
  const int channels = format.channels(), colors = format.color_channels();
  const float* blurred = row.levels;
  for (std::int32_t x = 0; x < row.pixels; ++x, in += channels, out += channels, blurred += channels) {
    const bool transparent = format.alpha && !(in[colors] > 0);
    for (int c = 0; c < colors; ++c) {
      const float difference = static_cast<float>(in[c]) - blurred[c];
      const bool change = !transparent && std::abs(difference) >= threshold;
      out[c] = change ? stored<Sample>(static_cast<float>(in[c]) + amount * difference) : in[c];
    }
    if (format.alpha) out[colors] = in[colors];
  }
}

struct UnsharpMask {
  double amount, sigma_px, threshold;  // threshold: 0..1
};

class SharpenOperation final : public NeighbourhoodOperation {
 public:
  SharpenOperation(const ImageInfo& info, const UnsharpMask& mask, const std::vector<double>& half)
      : NeighbourhoodOperation(info, static_cast<std::int32_t>(half.size()) - 1),
        convolution_(info, half),
        mask_(mask) {}

  void apply(const View& in, const MutableView& out, Scratch& scratch) const override {
    convolution_.run(in, out.region, scratch, [&](const ConvolvedRow& row) {
      if (row.fixed) return fixed(in, row, out);
      switch (info().format.depth) {
        case Depth::u8:
          return levels<std::uint8_t>(in, row, out);
        case Depth::u16:
          return levels<std::uint16_t>(in, row, out);
        case Depth::f32:
          return levels<float>(in, row, out);
      }
    });
  }

 private:
  template <class Sample>
  const Sample* source(const View& in, const ConvolvedRow& row) const {
    return in.plane().row<Sample>(row.y - in.region.y0) + (row.x - in.region.x0) * info().format.channels();
  }
  template <class Sample>
  Sample* target(const MutableView& out, const ConvolvedRow& row) const {
    return out.plane().row<Sample>(row.y - out.region.y0) + (row.x - out.region.x0) * info().format.channels();
  }

  void fixed(const View& in, const ConvolvedRow& row, const MutableView& out) const {
    detail_rows::sharpen_u8(
        source<std::uint8_t>(in, row), row.fixed, row.pixels * info().format.channels(),
        static_cast<std::int16_t>(std::lround(mask_.amount * (1 << detail_rows::kAmountBits))),
        static_cast<std::int16_t>(std::lround(mask_.threshold * 255 * (1 << detail_rows::kFractionBits))),
        target<std::uint8_t>(out, row));
  }
  template <class Sample>
  void levels(const View& in, const ConvolvedRow& row, const MutableView& out) const {
    const double max = std::is_same_v<Sample, float> ? 1 : static_cast<double>(std::numeric_limits<Sample>::max());
    sharpen_levels(source<Sample>(in, row), row, info().format, static_cast<float>(mask_.amount),
                   static_cast<float>(mask_.threshold * max), target<Sample>(out, row));
  }

  SeparableConvolution convolution_;
  UnsharpMask mask_;
};

class Sharpen final : public NeighbourhoodStage {
 public:
  explicit Sharpen(const UnsharpMask& mask) : mask_(mask), half_(gaussian_half(mask.sigma_px)) {}
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
          "Sharpens by an unsharp mask: adds a part of the difference to the blurred picture",
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
