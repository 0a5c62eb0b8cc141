// Edges: the magnitude of the Sobel gradient, sqrt(gx^2 + gy^2) / 4, so that a straight step from black to white is
// white.
//   in, out  u8, u16 or f32; gray (of the luma, or of gray pictures) or bgr (each channel), with or without alpha
//   halo     1
//   border   reflect-101
//   alpha    left alone; colours of transparent pixels count like any others
//   tiles    exact for all formats: the sum of squares is exact (u8, u16) or computed sample by sample (f32), and a
//            square root is correctly rounded; u8 and u16 are rounded half up and clamped
#include <cmath>

#include "stages/detail/detail.h"
#include "stages/kernel.h"

namespace tessera::stages {
namespace {

// Float holds the sums of squares of 8-bit gradients exactly (2 * 1020^2), double those of 16-bit ones.
template <class Sample, class Difference, class Real>
TESSERA_INLINE void magnitudes(const Sample* above, const Sample* at, const Sample* below, std::int32_t step,
                               std::int32_t count, Sample* out) {
  constexpr Real max = std::is_same_v<Sample, float> ? Real(1) : static_cast<Real>(std::numeric_limits<Sample>::max());
  for (std::int32_t i = 0; i < count; ++i) {
    const auto v = [](const Sample* row, std::int32_t j) { return static_cast<Difference>(row[j]); };
    const std::int32_t l = i, m = i + step, r = i + 2 * step;
    const Difference gx = (v(above, r) - v(above, l)) + 2 * (v(at, r) - v(at, l)) + (v(below, r) - v(below, l));
    const Difference gy = (v(below, l) - v(above, l)) + 2 * (v(below, m) - v(above, m)) + (v(below, r) - v(above, r));
    const Real x = static_cast<Real>(gx), y = static_cast<Real>(gy);
    const Real magnitude = std::sqrt(x * x + y * y) * Real(0.25);
    if constexpr (std::is_same_v<Sample, float>) {
      out[i] = magnitude;
    } else {
      const Real level = magnitude + Real(0.5);
      out[i] = static_cast<Sample>(static_cast<std::int32_t>(level > max ? max : level));
    }
  }
}

TESSERA_KERNEL void edge_row(const std::uint8_t* above, const std::uint8_t* at, const std::uint8_t* below,
                             std::int32_t step, std::int32_t count, std::uint8_t* out) {
  magnitudes<std::uint8_t, std::int32_t, float>(above, at, below, step, count, out);
}
TESSERA_KERNEL void edge_row(const std::uint16_t* above, const std::uint16_t* at, const std::uint16_t* below,
                             std::int32_t step, std::int32_t count, std::uint16_t* out) {
  magnitudes<std::uint16_t, std::int32_t, double>(above, at, below, step, count, out);
}
TESSERA_KERNEL void edge_row(const float* above, const float* at, const float* below, std::int32_t step,
                             std::int32_t count, float* out) {
  magnitudes<float, float, float>(above, at, below, step, count, out);
}

class EdgeOperation final : public NeighbourhoodOperation {
 public:
  explicit EdgeOperation(const ImageInfo& info) : NeighbourhoodOperation(info, 1) {}

  void apply(const View& in, const MutableView& out, Scratch& scratch) const override {
    for (std::int32_t y = out.region.y0; y < out.region.y1; y += kStripRows) {
      const Scratch::Mark mark(scratch);
      const Region strip{out.region.x0, y, out.region.x1, std::min(y + kStripRows, out.region.y1)};
      const cv::Mat padded = bordered(info(), in, strip, 1, scratch);
      switch (info().format.depth) {
        case Depth::u8:
          rows<std::uint8_t>(padded, strip, out);
          break;
        case Depth::u16:
          rows<std::uint16_t>(padded, strip, out);
          break;
        case Depth::f32:
          rows<float>(padded, strip, out);
          break;
      }
    }
  }

 private:
  template <class Sample>
  void rows(const cv::Mat& padded, const Region& strip, const MutableView& out) const {
    const int channels = info().format.channels();
    for (std::int32_t y = 0; y < strip.height(); ++y) {
      const auto* at = padded.ptr<Sample>(y + 1);
      auto* to = out.plane().row<Sample>(strip.y0 + y - out.region.y0);
      edge_row(padded.ptr<Sample>(y), at, padded.ptr<Sample>(y + 2), channels, strip.width() * channels, to);
      if (info().format.alpha)
        for (std::int32_t i = channels - 1; i < strip.width() * channels; i += channels) to[i] = at[i + channels];
    }
  }
};

class Edge final : public NeighbourhoodStage {
 public:
  explicit Edge(bool of_luma) : of_luma_(of_luma) {}
  PixelFormat working_format(PixelFormat in) const override { return of_luma_ ? as_gray(in) : interleaved(in); }
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext&) const override {
    return std::make_unique<EdgeOperation>(in);
  }

 private:
  bool of_luma_;
};

}  // namespace

StageEntry edge_entry() {
  return {"edge",
          "detail",
          "Shows edges: the magnitude of the Sobel gradient, white for a step from black to white",
          "edge channels=luma",
          Exactness::any_tiling,
          {{"channels",
            ParameterType::choice,
            "luma gives one gray picture, each treats the colours separately",
            "luma",
            false,
            "",
            {},
            {},
            {"luma", "each"}}},
          [](const Values& v) -> std::unique_ptr<const Stage> {
            return std::make_unique<Edge>(v.text("channels") == "luma");
          }};
}

}  // namespace tessera::stages
