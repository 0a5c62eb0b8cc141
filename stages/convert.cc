#include "stages/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "stages/luma.h"
#include "stages/simd/pixel_rows.h"

namespace tessera::stages {
namespace {

template <class Sample>
constexpr Sample kMax = std::is_same_v<Sample, float> ? Sample(1) : std::numeric_limits<Sample>::max();

// color * alpha + background * (1 - alpha); 65535 * 65535 + 32767 still fits 32 bits.
template <class Sample>
Sample over(Sample color, Sample alpha, Sample background) {
  if constexpr (std::is_same_v<Sample, float>) {
    return color * alpha + background * (1.0F - alpha);
  } else {
    const std::uint32_t max = kMax<Sample>, a = alpha;
    return static_cast<Sample>((color * a + background * (max - a) + max / 2) / max);
  }
}

template <class Sample>
Sample quantise(double value) {  // 0..1
  if constexpr (std::is_same_v<Sample, float>)
    return static_cast<float>(value);
  else
    return static_cast<Sample>(std::lround(value * kMax<Sample>));
}

// Model and alpha of one row. Gray becomes colour before it is flattened (the background may have a colour) and colour
// is flattened before it becomes gray.
template <class Sample, int kIn, int kOut>
void reshape_row(const Sample* in, Sample* out, std::int32_t pixels, const std::array<Sample, 3>& background) {
  constexpr int kInColors = kIn >= 3 ? 3 : 1, kOutColors = kOut >= 3 ? 3 : 1;
  constexpr bool kInAlpha = kIn % 2 == 0, kOutAlpha = kOut % 2 == 0;
  for (std::int32_t x = 0; x < pixels; ++x, in += kIn, out += kOut) {
    const Sample alpha = kInAlpha ? in[kIn - 1] : kMax<Sample>;
    std::array<Sample, 3> color{in[0], in[kInColors == 3 ? 1 : 0], in[kInColors == 3 ? 2 : 0]};
    if constexpr (kInAlpha && !kOutAlpha)
      for (std::size_t c = 0; c < 3; ++c) color[c] = over(color[c], alpha, background[c]);
    if constexpr (kOutColors == 3) {
      out[0] = color[0], out[1] = color[1], out[2] = color[2];
    } else if constexpr (kInColors == 3) {
      out[0] = luma(color[0], color[1], color[2]);
    } else if constexpr (kInAlpha && !kOutAlpha) {
      out[0] = over(in[0], alpha, luma(background[0], background[1], background[2]));
    } else {
      out[0] = in[0];
    }
    if constexpr (kOutAlpha) out[kOut - 1] = alpha;
  }
}

template <class Sample, int kIn>
void reshape_row_from(int out_channels, const Sample* in, Sample* out, std::int32_t pixels,
                      const std::array<Sample, 3>& background) {
  switch (out_channels) {
    case 1:
      return reshape_row<Sample, kIn, 1>(in, out, pixels, background);
    case 2:
      return reshape_row<Sample, kIn, 2>(in, out, pixels, background);
    case 3:
      return reshape_row<Sample, kIn, 3>(in, out, pixels, background);
    default:
      return reshape_row<Sample, kIn, 4>(in, out, pixels, background);
  }
}

template <class In, class Out>
void change_depth(const In* in, Out* out, std::int32_t count) {
  for (std::int32_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<Out, float>) {
      out[i] = static_cast<float>(in[i]) / static_cast<float>(kMax<In>);
    } else if constexpr (std::is_same_v<In, float>) {
      const float level = in[i] * static_cast<float>(kMax<Out>) + 0.5F;
      const float top = static_cast<float>(kMax<Out>);
      out[i] = static_cast<Out>(level >= top ? top : level > 0 ? level : 0);  // NaN becomes 0
    } else if constexpr (sizeof(In) < sizeof(Out)) {
      out[i] = static_cast<Out>(in[i] * 257);
    } else {
      out[i] = static_cast<Out>((in[i] + 128) / 257);
    }
  }
}

class InterleavedConversion final : public Operation {
 public:
  InterleavedConversion(const ImageInfo& in, PixelFormat to, const Color& background)
      : in_(in), out_(in), background_(background) {
    out_.format = to;
  }
  ImageInfo output() const override { return out_; }
  Region required_input(const Region& out) const override { return out; }

  void apply(const View& in, const MutableView& out, Scratch& scratch) const override {
    const View part = sub_view(in_, in, out.region);
    switch (in_.format.depth) {
      case Depth::u8:
        return apply_from<std::uint8_t>(part, out, scratch);
      case Depth::u16:
        return apply_from<std::uint16_t>(part, out, scratch);
      case Depth::f32:
        return apply_from<float>(part, out, scratch);
    }
  }

 private:
  template <class In>
  void apply_from(const View& in, const MutableView& out, Scratch& scratch) const {
    switch (out_.format.depth) {
      case Depth::u8:
        return rows<In, std::uint8_t>(in, out, scratch);
      case Depth::u16:
        return rows<In, std::uint16_t>(in, out, scratch);
      case Depth::f32:
        return rows<In, float>(in, out, scratch);
    }
  }

  // Model and alpha in the input's depth, then the depth.
  template <class In, class Out>
  void rows(const View& in, const MutableView& out, Scratch& scratch) const {
    const Scratch::Mark mark(scratch);
    const std::int32_t width = out.plane().width, count = width * out_.format.channels();
    In* between = scratch.take_array<In>(static_cast<std::uint64_t>(count)).data();
    const std::array<In, 3> background{quantise<In>(background_.blue), quantise<In>(background_.green),
                                       quantise<In>(background_.red)};
    for (std::int32_t y = 0; y < out.plane().height; ++y) {
      const In* from = in.plane().row<In>(y);
      Out* to = out.plane().row<Out>(y);
      if constexpr (std::is_same_v<In, Out>) {
        reshape(from, to, width, background);
      } else if (in_.format.channels() == out_.format.channels()) {
        change_depth(from, to, count);
      } else {
        reshape(from, between, width, background);
        change_depth(between, to, count);
      }
    }
  }

  template <class Sample>
  void reshape(const Sample* from, Sample* to, std::int32_t pixels, const std::array<Sample, 3>& background) const {
    const int channels = out_.format.channels();
    switch (in_.format.channels()) {
      case 1:
        return reshape_row_from<Sample, 1>(channels, from, to, pixels, background);
      case 2:
        return reshape_row_from<Sample, 2>(channels, from, to, pixels, background);
      case 3:
        return reshape_row_from<Sample, 3>(channels, from, to, pixels, background);
      default:
        return reshape_row_from<Sample, 4>(channels, from, to, pixels, background);
    }
  }

  ImageInfo in_, out_;
  Color background_;
};

// The sample of a plane that covers the middle of the luma grid's sample i, clipped to the plane.
std::int32_t co_sited(std::int32_t i, int log2, int phase, int other_log2, int other_phase, std::int32_t extent) {
  const std::int32_t middle = (i << log2) + phase + ((1 << log2) >> 1);
  return (std::clamp(middle, 0, extent - 1) - other_phase) >> other_log2;
}

/// Planar YCbCr to interleaved colour on the luma's grid; gray is the luma plane itself.
class PlanarConversion final : public Operation {
 public:
  PlanarConversion(const ImageInfo& in, PixelFormat to) : in_(in), out_(in) {
    out_.format = to;
    out_.grid = {in.grid[0], Grid{}, Grid{}, Grid{}};
  }
  ImageInfo output() const override { return out_; }
  // All of each luma sample, so that the chroma at its middle is there whatever the tiling.
  Region required_input(const Region& out) const override {
    const Grid& g = in_.grid[0];
    const Region s = samples(in_, 0, out);
    return intersect(in_.bounds(), {(s.x0 << g.log2_x) + g.phase_x, (s.y0 << g.log2_y) + g.phase_y,
                                    (s.x1 << g.log2_x) + g.phase_x, (s.y1 << g.log2_y) + g.phase_y});
  }

  void apply(const View& in, const MutableView& out, Scratch& scratch) const override {
    const Region need = required_input(out.region);
    const View part = sub_view(in_, in, need);
    const Scratch::Mark mark(scratch);
    const Region luma_samples = samples(in_, 0, need);
    const auto width = static_cast<std::size_t>(luma_samples.width());
    std::array<std::span<std::int32_t>, 4> columns;  // of each plane, for each column of the luma
    std::array<std::span<std::uint8_t>, 4> spread;   // one row of each plane at the luma's width
    for (int p = 1; p < in_.format.planes(); ++p) {
      const auto i = static_cast<std::size_t>(p);
      columns[i] = scratch.take_array<std::int32_t>(width);
      spread[i] = scratch.take_array<std::uint8_t>(width);
      const Region there = samples(in_, p, need);
      for (std::size_t x = 0; x < width; ++x)
        columns[i][x] =
            std::clamp(column(p, luma_samples.x0 + static_cast<std::int32_t>(x)), there.x0, there.x1 - 1) - there.x0;
    }
    const bool color = out_.format.model == Model::bgr;
    for (std::int32_t y = 0; y < out.plane().height; ++y) {
      for (int p = color ? 1 : 3; p < in_.format.planes(); ++p) {
        const Region there = samples(in_, p, need);
        const auto i = static_cast<std::size_t>(p);
        const std::int32_t at = std::clamp(row(p, luma_samples.y0 + y), there.y0, there.y1 - 1) - there.y0;
        const auto* from = part.plane(p).row<std::uint8_t>(at);
        for (std::size_t x = 0; x < width; ++x) spread[i][x] = from[columns[i][x]];
      }
      const auto* luma_row = part.plane(0).row<std::uint8_t>(y);
      auto* to = out.plane().row<std::uint8_t>(y);
      if (color)
        color_row(luma_row, spread, to, width);
      else
        gray_row(luma_row, spread[3], to, width);
    }
  }

 private:
  std::int32_t column(int p, std::int32_t x) const {
    const Grid &own = in_.grid[0], &other = in_.grid[static_cast<std::size_t>(p)];
    return co_sited(x, own.log2_x, own.phase_x, other.log2_x, other.phase_x, in_.width);
  }
  std::int32_t row(int p, std::int32_t y) const {
    const Grid &own = in_.grid[0], &other = in_.grid[static_cast<std::size_t>(p)];
    return co_sited(y, own.log2_y, own.phase_y, other.log2_y, other.phase_y, in_.height);
  }

  void color_row(const std::uint8_t* luma_row, const std::array<std::span<std::uint8_t>, 4>& spread, std::uint8_t* to,
                 std::size_t width) const {
    const auto pixels = static_cast<std::int32_t>(width);
    pixel_rows::ycbcr_to_bgr(luma_row, spread[1].data(), spread[2].data(), pixels, to);
    if (!out_.format.alpha) return;
    // From the last pixel on, three bytes move apart to four.
    for (std::size_t x = width; x-- > 0;) {
      std::memmove(to + 4 * x, to + 3 * x, 3);
      to[4 * x + 3] = in_.format.alpha ? spread[3][x] : std::uint8_t{255};
    }
  }

  void gray_row(const std::uint8_t* luma_row, std::span<const std::uint8_t> alpha, std::uint8_t* to,
                std::size_t width) const {
    if (!out_.format.alpha) {
      std::memcpy(to, luma_row, width);
      return;
    }
    for (std::size_t x = 0; x < width; ++x)
      to[2 * x] = luma_row[x], to[2 * x + 1] = in_.format.alpha ? alpha[x] : std::uint8_t{255};
  }

  ImageInfo in_, out_;
};

/// Planar to a format that needs a second step (another depth, or no alpha).
class TwoSteps final : public Operation {
 public:
  TwoSteps(std::unique_ptr<const Operation> first, std::unique_ptr<const Operation> second)
      : first_(std::move(first)), second_(std::move(second)) {}
  ImageInfo output() const override { return second_->output(); }
  Region required_input(const Region& out) const override { return first_->required_input(out); }
  void apply(const View& in, const MutableView& out, Scratch& scratch) const override {
    const Scratch::Mark mark(scratch);
    const MutableView between = scratch.take_view(first_->output(), out.region);
    first_->apply(in, between, scratch);
    second_->apply(between, out, scratch);
  }

 private:
  std::unique_ptr<const Operation> first_, second_;
};

}  // namespace

std::unique_ptr<const Operation> convert_format(const ImageInfo& in, PixelFormat to, const Color& background) {
  if (to.model == Model::ycbcr_planar)
    throw std::invalid_argument(fmt::format("pixels cannot be converted from {} to {}: only a decoder delivers planes",
                                            to_string(in.format), to_string(to)));
  if (in.format.model != Model::ycbcr_planar) return std::make_unique<InterleavedConversion>(in, to, background);
  if (in.format.depth != Depth::u8)
    throw std::invalid_argument(
        fmt::format("pixels cannot be converted from {}: planes have 8 bits", to_string(in.format)));
  const PixelFormat near{to.model, Depth::u8, in.format.alpha || to.alpha};
  auto first = std::make_unique<PlanarConversion>(in, near);
  if (near == to) return first;
  auto second = convert_format(first->output(), to, background);
  return std::make_unique<TwoSteps>(std::move(first), std::move(second));
}

}  // namespace tessera::stages
