// Box blur: the mean of the (2 * radius + 1)^2 pixels around each.
//   in, out  u8, u16 or f32; gray or bgr, with or without alpha; any size
//   halo     radius
//   border   reflect-101
//   alpha    blurred too; colours are weighted by it
//   tiles    exact for all formats: u8 and u16 by running sums of integers, at a cost that does not depend on the
//   radius,
//            rounded to nearest; f32 by a convolution, because running sums of floats depend on where they began
#include <algorithm>

#include "stages/detail/detail.h"
#include "stages/detail/separable.h"
#include "stages/kernel.h"

namespace tessera::stages {
namespace {

constexpr int kMaxRadius = 256;  // 255 * 513^2 fits 32 bits, and a sum of 16-bit colours times alpha 2^53

TESSERA_KERNEL void change_columns(const std::uint8_t* added, const std::uint8_t* removed, std::int32_t count,
                                   std::uint32_t* sums) {
  for (std::int32_t i = 0; i < count; ++i) sums[i] += static_cast<std::uint32_t>(added[i] - removed[i]);
}
TESSERA_KERNEL void change_columns(const std::uint16_t* added, const std::uint16_t* removed, std::int32_t count,
                                   std::uint32_t* sums) {
  for (std::int32_t i = 0; i < count; ++i) sums[i] += static_cast<std::uint32_t>(added[i] - removed[i]);
}

// The area is odd, so no mean lies half-way between two levels, and the double is never near enough to one to err.
TESSERA_KERNEL void divide(const std::uint32_t* sums, std::int32_t count, double scale, std::uint8_t* out) {
  for (std::int32_t i = 0; i < count; ++i)
    out[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(static_cast<std::int32_t>(sums[i]) * scale + 0.5));
}
TESSERA_KERNEL void divide(const std::uint64_t* sums, std::int32_t count, double scale, std::uint16_t* out) {
  for (std::int32_t i = 0; i < count; ++i)
    out[i] = static_cast<std::uint16_t>(
        static_cast<std::int32_t>(static_cast<double>(static_cast<std::int64_t>(sums[i])) * scale + 0.5));
}

// window[i] = columns[i] + columns[i + step] + ... (2 * radius + 1 of them).
template <class Column, class Window>
void slide(const Column* columns, std::int32_t radius, std::int32_t step, std::int32_t count, Window* window) {
  for (std::int32_t i = 0; i < std::min(step, count); ++i) {
    Window sum = 0;
    for (std::int32_t k = 0; k <= 2 * radius; ++k) sum += columns[i + k * step];
    window[i] = sum;
  }
  const Column* entering = columns + (2 * radius + 1) * step;
  for (std::int32_t i = 0; i + step < count; ++i) window[i + step] = window[i] + entering[i] - columns[i];
}

class BoxOperation final : public NeighbourhoodOperation {
 public:
  BoxOperation(const ImageInfo& info, std::int32_t radius_px)
      : NeighbourhoodOperation(info, radius_px), scale_(1.0 / ((2 * radius_px + 1) * (2 * radius_px + 1))) {}

  // The first row adds up all rows under the square.
  std::int32_t efficient_rows() const override { return 4 * radius(); }

  void apply(const View& in, const MutableView& out, Scratch& scratch) const override {
    const Scratch::Mark mark(scratch);
    const bool alpha = info().format.alpha;
    if (info().format.depth == Depth::u8)
      return alpha ? weighted<std::uint8_t>(in, out, scratch) : plain<std::uint8_t, std::uint32_t>(in, out, scratch);
    alpha ? weighted<std::uint16_t>(in, out, scratch) : plain<std::uint16_t, std::uint64_t>(in, out, scratch);
  }

 private:
  // Columns of sums over the padded width; those of the image's own pixels are sums, the others reflections.
  struct Columns {
    std::int32_t padded_x0, padded_x1, x0, x1;
  };
  Columns columns_of(const Region& out) const {
    const std::int32_t padded_x0 = out.x0 - radius(), padded_x1 = out.x1 + radius();
    return {padded_x0, padded_x1, std::max(padded_x0, 0), std::min(padded_x1, info().width)};
  }
  template <class Sample>
  const Sample* input_row(const View& in, std::int32_t y, std::int32_t x) const {
    return in.plane().row<Sample>(reflect_101(y, info().height) - in.region.y0) +
           (x - in.region.x0) * info().format.channels();
  }
  template <class Column>
  void reflect(Column* sums, const Columns& c) const {
    const int channels = info().format.channels();
    const auto fill = [&](std::int32_t x) {
      std::copy_n(sums + (reflect_101(x, info().width) - c.padded_x0) * channels, channels,
                  sums + (x - c.padded_x0) * channels);
    };
    for (std::int32_t x = c.padded_x0; x < 0; ++x) fill(x);
    for (std::int32_t x = info().width; x < c.padded_x1; ++x) fill(x);
  }

  template <class Sample, class Window>
  void plain(const View& in, const MutableView& out, Scratch& scratch) const {
    const int channels = info().format.channels();
    const Columns c = columns_of(out.region);
    const std::int32_t inside = (c.x1 - c.x0) * channels, count = out.region.width() * channels;
    const auto columns =
        scratch.take_array<std::uint32_t>(static_cast<std::uint64_t>((c.padded_x1 - c.padded_x0) * channels));
    const auto window = scratch.take_array<Window>(static_cast<std::uint64_t>(count));
    std::uint32_t* sums = columns.data() + (c.x0 - c.padded_x0) * channels;
    for (std::int32_t y = out.region.y0; y < out.region.y1; ++y) {
      if (y == out.region.y0) {
        std::fill_n(sums, inside, 0U);
        for (std::int32_t k = -radius(); k <= radius(); ++k) {
          const Sample* row = input_row<Sample>(in, y + k, c.x0);
          for (std::int32_t i = 0; i < inside; ++i) sums[i] += row[i];
        }
      } else {
        change_columns(input_row<Sample>(in, y + radius(), c.x0), input_row<Sample>(in, y - radius() - 1, c.x0), inside,
                       sums);
      }
      reflect(columns.data(), c);
      slide(columns.data(), radius(), channels, count, window.data());
      divide(window.data(), count, scale_, out.plane().row<Sample>(y - out.region.y0));
    }
  }

  // Sums of color * alpha, and of alpha in the last channel.
  template <class Sample>
  void weighted(const View& in, const MutableView& out, Scratch& scratch) const {
    const int channels = info().format.channels();
    const Columns c = columns_of(out.region);
    const std::int32_t inside = (c.x1 - c.x0) * channels, count = out.region.width() * channels;
    const auto columns =
        scratch.take_array<std::uint64_t>(static_cast<std::uint64_t>((c.padded_x1 - c.padded_x0) * channels));
    const auto window = scratch.take_array<std::uint64_t>(static_cast<std::uint64_t>(count));
    std::uint64_t* sums = columns.data() + (c.x0 - c.padded_x0) * channels;
    const auto change = [&](std::int32_t y, std::uint64_t sign) {  // sign: 1, or -1 modulo 2^64
      const Sample* row = input_row<Sample>(in, y, c.x0);
      for (std::int32_t i = 0; i < inside; i += channels) {
        const std::uint64_t weight = row[i + channels - 1] * sign;
        for (int k = 0; k + 1 < channels; ++k) sums[i + k] += row[i + k] * weight;
        sums[i + channels - 1] += weight;
      }
    };
    std::fill_n(sums, inside, std::uint64_t{0});
    for (std::int32_t k = -radius(); k < radius(); ++k) change(out.region.y0 + k, 1);
    for (std::int32_t y = out.region.y0; y < out.region.y1; ++y) {
      change(y + radius(), 1);
      reflect(columns.data(), c);
      slide(columns.data(), radius(), channels, count, window.data());
      divide_weighted(window.data(), out.region.width(), out.plane().row<Sample>(y - out.region.y0));
      change(y - radius(), ~std::uint64_t{0});
    }
  }

  template <class Sample>
  void divide_weighted(const std::uint64_t* window, std::int32_t pixels, Sample* out) const {
    const int channels = info().format.channels();
    for (std::int32_t x = 0; x < pixels; ++x, window += channels, out += channels) {
      const std::uint64_t weight = window[channels - 1];
      for (int k = 0; k + 1 < channels; ++k)
        out[k] = weight ? static_cast<Sample>((window[k] + weight / 2) / weight) : Sample{0};
      out[channels - 1] = static_cast<Sample>(static_cast<double>(weight) * scale_ + 0.5);
    }
  }

  double scale_;
};

class BoxFloatOperation final : public NeighbourhoodOperation {
 public:
  BoxFloatOperation(const ImageInfo& info, std::int32_t radius_px)
      : NeighbourhoodOperation(info, radius_px),
        convolution_(info, std::vector<double>(static_cast<std::size_t>(radius_px) + 1, 1.0 / (2 * radius_px + 1))) {}
  void apply(const View& in, const MutableView& out, Scratch& scratch) const override {
    convolution_.run(in, out.region, scratch, [&](const ConvolvedRow& row) { store_row(row, out); });
  }

 private:
  SeparableConvolution convolution_;
};

class Box final : public NeighbourhoodStage {
 public:
  explicit Box(std::int32_t radius_px) : radius_(radius_px) {}
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext&) const override {
    if (in.format.depth == Depth::f32) return std::make_unique<BoxFloatOperation>(in, radius_);
    return std::make_unique<BoxOperation>(in, radius_);
  }

 private:
  std::int32_t radius_;
};

}  // namespace

StageEntry box_entry() {
  return {
      "box",
      "detail",
      "Blurs with a square mean; colours are weighted by alpha",
      "box 4",
      Exactness::any_tiling,
      {{"radius", ParameterType::integer, "The square is 2 * radius + 1 pixels wide", "", true, "px", 1, kMaxRadius}},
      [](const Values& v) -> std::unique_ptr<const Stage> { return std::make_unique<Box>(v.integer("radius")); }};
}

}  // namespace tessera::stages
