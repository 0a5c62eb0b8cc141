// Saturation: out = luma + factor * (v - luma), with BT.601 luma as in stages/luma.h.
//   in, out  u8, u16 (factor in 1/4096, rounded half up, clamped) or f32; alpha is left alone; gray is left alone
//   halo     none; exact under any tiling: integers, or float sample by sample
#include <cmath>

#include "stages/kernel.h"
#include "stages/luma.h"
#include "stages/tone/tone.h"

namespace tessera::stages {
namespace {

constexpr int kFactorBits = 12;
constexpr double kMaxFactor = 8;  // 65535 * 8 * 4096 + 2048 is still below 2^31

template <class Sample, int kChannels, class Factor>
TESSERA_INLINE void saturate(const Sample* in, Sample* out, std::int32_t pixels, Factor factor) {
  for (std::int32_t x = 0; x < pixels; ++x) {
    const Sample* from = in + x * kChannels;
    Sample* to = out + x * kChannels;
    const Sample gray = luma(from[0], from[1], from[2]);
    for (int c = 0; c < 3; ++c) {
      if constexpr (std::is_same_v<Sample, float>) {
        to[c] = gray + factor * (from[c] - gray);
      } else {
        constexpr std::int32_t max = std::numeric_limits<Sample>::max();
        const std::int32_t level = gray + (((from[c] - gray) * factor + (1 << (kFactorBits - 1))) >> kFactorBits);
        to[c] = static_cast<Sample>(level < 0 ? 0 : level > max ? max : level);
      }
    }
    if constexpr (kChannels == 4) to[3] = from[3];
  }
}

TESSERA_KERNEL void saturate_row(const std::uint8_t* in, std::uint8_t* out, std::int32_t pixels, std::int32_t factor) {
  saturate<std::uint8_t, 3>(in, out, pixels, factor);
}
TESSERA_KERNEL void saturate_row(const std::uint16_t* in, std::uint16_t* out, std::int32_t pixels,
                                 std::int32_t factor) {
  saturate<std::uint16_t, 3>(in, out, pixels, factor);
}
TESSERA_KERNEL void saturate_row(const float* in, float* out, std::int32_t pixels, float factor) {
  saturate<float, 3>(in, out, pixels, factor);
}

class SaturationOperation final : public Operation {
 public:
  SaturationOperation(const ImageInfo& info, double factor)
      : info_(info),
        factor_(static_cast<float>(factor)),
        fixed_factor_(static_cast<std::int32_t>(std::lround(factor * (1 << kFactorBits)))) {}
  ImageInfo output() const override { return info_; }
  Region required_input(const Region& out) const override { return out; }

  void apply(const View& in, const MutableView& out, Scratch&) const override {
    const View part = sub_view(info_, in, out.region);
    switch (info_.format.depth) {
      case Depth::u8:
        return rows<std::uint8_t>(part, out, fixed_factor_);
      case Depth::u16:
        return rows<std::uint16_t>(part, out, fixed_factor_);
      case Depth::f32:
        return rows<float>(part, out, factor_);
    }
  }

 private:
  template <class Sample, class Factor>
  void rows(const View& in, const MutableView& out, Factor factor) const {
    const auto& plane = out.plane();
    for (std::int32_t y = 0; y < plane.height; ++y) {
      const auto* from = in.plane().row<Sample>(y);
      auto* to = plane.template row<Sample>(y);
      if (info_.format.alpha)
        saturate<Sample, 4>(from, to, plane.width, factor);
      else
        saturate_row(from, to, plane.width, factor);
    }
  }

  ImageInfo info_;
  float factor_;
  std::int32_t fixed_factor_;
};

class Saturation final : public Stage {
 public:
  explicit Saturation(double factor) : factor_(factor) {}
  PixelFormat working_format(PixelFormat in) const override { return interleaved(in); }
  bool accepts_grids(const ImageInfo&) const override { return true; }
  std::optional<ImageInfo> output(const ImageInfo& in) const override { return in; }
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext&) const override {
    if (in.format.model == Model::gray) return identity_operation(in);
    return std::make_unique<SaturationOperation>(in, factor_);
  }

 private:
  double factor_;
};

}  // namespace

StageEntry saturation_entry() {
  return {
      "saturation",
      "tone",
      "Makes colours stronger (above 1) or weaker (below 1); 0 is gray",
      "saturation 1.2",
      Exactness::any_tiling,
      {{"factor", ParameterType::number, "Multiplies the distance of each colour from its luma", "1", false, "", 0,
        kMaxFactor}},
      [](const Values& v) -> std::unique_ptr<const Stage> { return std::make_unique<Saturation>(v.number("factor")); }};
}

}  // namespace tessera::stages
