#include "stages/geometry/free_rotation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <numbers>

#include "stages/geometry/background.h"

namespace tessera::stages {
namespace {

constexpr int kPhaseBits = 10, kPhases = 1 << kPhaseBits;
constexpr int kWeightBits = 14;
constexpr int kTaps = 4;

double radians(double degrees) { return degrees * std::numbers::pi / 180; }

// The cubic convolution of Keys (1981) with a = -1/2, for distances 0..2.
double catmull_rom(double x) {
  x = std::abs(x);
  return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

template <class Number>
using WeightTable = std::array<std::array<Number, kTaps>, kPhases>;

WeightTable<double> real_table() {
  WeightTable<double> table;
  for (std::size_t phase = 0; phase < kPhases; ++phase)
    for (std::size_t k = 0; k < kTaps; ++k)
      table[phase][k] = catmull_rom(static_cast<double>(k) - 1 - static_cast<double>(phase) / kPhases);
  return table;
}

// Each row sums to exactly 1 << kWeightBits.
WeightTable<std::int64_t> integer_table() {
  WeightTable<std::int64_t> table;
  const WeightTable<double> real = real_table();
  for (std::size_t phase = 0; phase < kPhases; ++phase) {
    std::int64_t missing = 1 << kWeightBits;
    for (std::size_t k = 0; k < kTaps; ++k)
      missing -= table[phase][k] = std::lround(std::ldexp(real[phase][k], kWeightBits));
    table[phase][phase < kPhases / 2 ? 1 : 2] += missing;
  }
  return table;
}

template <class Number>
const WeightTable<Number>& weight_table() {
  static const WeightTable<Number> table = [] {
    if constexpr (std::is_same_v<Number, double>)
      return real_table();
    else
      return integer_table();
  }();
  return table;
}

template <class Sample>
using Number = std::conditional_t<std::is_same_v<Sample, float>, double, std::int64_t>;

template <class Sample>
constexpr Number<Sample> kMax = sizeof(Sample) == 1   ? 255
                                : sizeof(Sample) == 2 ? 65535
                                                      : 1;

// Adds one pixel times weight; colour times alpha, alpha times its maximum.
template <class Sample, int kChannels, bool kAlpha>
void add_pixel(const Sample* pixel, Number<Sample> weight, std::array<Number<Sample>, kChannels>& sums) {
  const Number<Sample> alpha = kAlpha ? static_cast<Number<Sample>>(pixel[kChannels - 1]) : 1;
  for (std::size_t c = 0; c + (kAlpha ? 1 : 0) < kChannels; ++c)
    sums[c] += static_cast<Number<Sample>>(pixel[c]) * alpha * weight;
  if (kAlpha) sums[kChannels - 1] += alpha * kMax<Sample> * weight;
}

// sums are in samples << (2 * kWeightBits), with alpha times the maximum besides.
template <class Sample, int kChannels, bool kAlpha>
void store_integer(const std::array<std::int64_t, kChannels>& sums, Sample* out) {
  constexpr std::int64_t kOne = std::int64_t{1} << (2 * kWeightBits), kTop = kMax<Sample>;
  if constexpr (!kAlpha) {
    for (std::size_t c = 0; c < kChannels; ++c)
      out[c] = static_cast<Sample>(std::clamp<std::int64_t>((sums[c] + kOne / 2) >> (2 * kWeightBits), 0, kTop));
  } else {
    const std::int64_t alpha = std::max<std::int64_t>(sums[kChannels - 1], 0);
    const std::int64_t level = std::min((alpha / kTop + kOne / 2) >> (2 * kWeightBits), kTop);
    const std::int64_t divisor = alpha >> 16;  // so that 16-bit products stay in 64 bits
    for (std::size_t c = 0; c + 1 < kChannels; ++c)
      out[c] = level == 0 ? Sample{0}
                          : static_cast<Sample>(
                                (std::clamp<std::int64_t>(sums[c] >> 16, 0, divisor) * kTop + divisor / 2) / divisor);
    out[kChannels - 1] = static_cast<Sample>(level);
  }
}

template <int kChannels, bool kAlpha>
void store_float(const std::array<double, kChannels>& sums, float* out) {
  const double alpha = kAlpha ? sums[kChannels - 1] : 1;
  const bool visible = alpha >= 0.5 / 65535;  // below it colour is noise
  for (std::size_t c = 0; c < kChannels; ++c) out[c] = visible ? static_cast<float>(sums[c] / alpha) : 0.0F;
  if (kAlpha) out[kChannels - 1] = visible ? static_cast<float>(std::min(alpha, 1.0)) : 0.0F;
}

// 4x4 pixels from `first`, rows `stride` samples apart.
template <class Sample, int kChannels, bool kAlpha>
void interpolate(const Sample* first, std::ptrdiff_t stride, std::size_t phase_x, std::size_t phase_y, Sample* out) {
  const auto& table = weight_table<Number<Sample>>();
  std::array<Number<Sample>, kChannels> sums{};
  for (std::size_t y = 0; y < kTaps; ++y)
    for (std::size_t x = 0; x < kTaps; ++x)
      add_pixel<Sample, kChannels, kAlpha>(first + static_cast<std::ptrdiff_t>(y) * stride + x * kChannels,
                                           table[phase_x][x] * table[phase_y][y], sums);
  if constexpr (std::is_same_v<Sample, float>)
    store_float<kChannels, kAlpha>(sums, out);
  else
    store_integer<Sample, kChannels, kAlpha>(sums, out);
}

class FreeRotation final : public Operation {
 public:
  FreeRotation(const ImageInfo& in, double degrees, const Color& background)
      : in_(in),
        out_(rotated_info(in, degrees)),
        cos_real_(std::cos(radians(degrees))),
        sin_real_(std::sin(radians(degrees))),
        cos_(std::llround(std::ldexp(cos_real_, 31))),
        sin_(std::llround(std::ldexp(sin_real_, 31))),
        background_(background_pixel(in.format, background)) {
    assert(in.full_size() && in.format.model != Model::ycbcr_planar);
  }

  ImageInfo output() const override { return out_; }

  // Positions are linear in x and y, so the corners' are the extremes.
  Region required_input(const Region& out) const override {
    std::int64_t x0 = in_.width, y0 = in_.height, x1 = -1, y1 = -1;
    for (const std::int32_t y : {out.y0, out.y1 - 1})
      for (const std::int32_t x : {out.x0, out.x1 - 1}) {
        const Position p = position(x, y);
        x0 = std::min(x0, p.x), x1 = std::max(x1, p.x), y0 = std::min(y0, p.y), y1 = std::max(y1, p.y);
      }
    const auto inside = [](std::int64_t v, std::int32_t side) {
      return static_cast<std::int32_t>(std::clamp<std::int64_t>(v, 0, side - 1));
    };
    return {inside(x0, in_.width), inside(y0, in_.height), inside(x1 + kTaps - 1, in_.width) + 1,
            inside(y1 + kTaps - 1, in_.height) + 1};
  }

  std::array<double, 2> map_point(double x, double y) const override {
    const double dx = x - in_.width / 2.0, dy = y - in_.height / 2.0;
    return {dx * cos_real_ - dy * sin_real_ + out_.width / 2.0, dx * sin_real_ + dy * cos_real_ + out_.height / 2.0};
  }

  void apply(const View& in, const MutableView& out, Scratch&) const override {
    switch (in_.format.depth) {
      case Depth::u8:
        return apply_depth<std::uint8_t>(in, out);
      case Depth::u16:
        return apply_depth<std::uint16_t>(in, out);
      case Depth::f32:
        return apply_depth<float>(in, out);
    }
  }

 private:
  /// The first of the 4x4 input pixels, and how far behind the second one the point lies, in 1/kPhases.
  struct Position {
    std::int64_t x, y;
    std::size_t phase_x, phase_y;
  };

  // In 2^-32 of a sample: twice the distance from the canvas' centre is whole, and so is twice the image's.
  Position position(std::int32_t x, std::int32_t y) const {
    const std::int64_t dx = std::int64_t{2} * x + 1 - out_.width, dy = std::int64_t{2} * y + 1 - out_.height;
    const auto phases = [](std::int64_t fixed) {
      return (fixed + (std::int64_t{1} << (31 - kPhaseBits))) >> (32 - kPhaseBits);
    };
    const std::int64_t u = phases(cos_ * dx + sin_ * dy + (std::int64_t{in_.width - 1} << 31));
    const std::int64_t v = phases(-sin_ * dx + cos_ * dy + (std::int64_t{in_.height - 1} << 31));
    return {(u >> kPhaseBits) - 1, (v >> kPhaseBits) - 1, static_cast<std::size_t>(u & (kPhases - 1)),
            static_cast<std::size_t>(v & (kPhases - 1))};
  }

  template <class Sample>
  void apply_depth(const View& in, const MutableView& out) const {
    switch (in_.format.channels()) {
      case 1:
        return rows<Sample, 1, false>(in, out);
      case 2:
        return rows<Sample, 2, true>(in, out);
      case 3:
        return rows<Sample, 3, false>(in, out);
      default:
        return rows<Sample, 4, true>(in, out);
    }
  }

  template <class Sample, int kChannels, bool kAlpha>
  void rows(const View& in, const MutableView& out) const {
    const Region r = out.region;
    for (std::int32_t y = r.y0; y < r.y1; ++y) {
      auto* to = out.plane().template row<Sample>(y - r.y0);
      for (std::int32_t x = r.x0; x < r.x1; ++x, to += kChannels)
        one_pixel<Sample, kChannels, kAlpha>(in, position(x, y), to);
    }
  }

  template <class Sample, int kChannels, bool kAlpha>
  void one_pixel(const View& in, const Position& p, Sample* to) const {
    if (p.x <= -kTaps || p.y <= -kTaps || p.x >= in_.width || p.y >= in_.height) {
      std::memcpy(to, background_.bytes.data(), kChannels * sizeof(Sample));
      return;
    }
    const auto pixel = [&](std::int64_t x, std::int64_t y) {
      return in.plane().template row<Sample>(static_cast<std::int32_t>(y - in.region.y0)) +
             (x - in.region.x0) * kChannels;
    };
    if (p.x >= 0 && p.y >= 0 && p.x + kTaps <= in_.width && p.y + kTaps <= in_.height)
      return interpolate<Sample, kChannels, kAlpha>(
          pixel(p.x, p.y), in.plane().stride / static_cast<std::ptrdiff_t>(sizeof(Sample)), p.phase_x, p.phase_y, to);
    std::array<Sample, kTaps * kTaps * kChannels> around;
    for (int y = 0; y < kTaps; ++y)
      for (int x = 0; x < kTaps; ++x) {
        const bool inside = p.x + x >= 0 && p.x + x < in_.width && p.y + y >= 0 && p.y + y < in_.height;
        std::memcpy(around.data() + (y * kTaps + x) * kChannels,
                    inside ? static_cast<const void*>(pixel(p.x + x, p.y + y)) : background_.bytes.data(),
                    kChannels * sizeof(Sample));
      }
    interpolate<Sample, kChannels, kAlpha>(around.data(), kTaps * kChannels, p.phase_x, p.phase_y, to);
  }

  ImageInfo in_, out_;
  double cos_real_, sin_real_;
  std::int64_t cos_, sin_;  // times 2^31
  BackgroundPixel background_;
};

}  // namespace

ImageInfo rotated_info(const ImageInfo& in, double degrees) {
  const double c = std::abs(std::cos(radians(degrees))), s = std::abs(std::sin(radians(degrees)));
  // A hair less, so that rounding of the sine does not add a column.
  const double width = std::ceil(in.width * c + in.height * s - 1e-6),
               height = std::ceil(in.width * s + in.height * c - 1e-6);
  if (width > kMaxSide || height > kMaxSide)
    throw ImageError(fmt::format("the rotated image would be {:.0f}x{:.0f}; {} pixels on a side are possible", width,
                                 height, kMaxSide));
  ImageInfo out = in;
  out.width = std::max(1, static_cast<std::int32_t>(width)),
  out.height = std::max(1, static_cast<std::int32_t>(height));
  return out;
}

std::unique_ptr<const Operation> free_rotation(const ImageInfo& in, double degrees, const Color& background) {
  return std::make_unique<FreeRotation>(in, degrees, background);
}

}  // namespace tessera::stages
