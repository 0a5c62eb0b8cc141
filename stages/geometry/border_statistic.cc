#include "stages/geometry/border_statistic.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>

namespace tessera::stages {
namespace {

constexpr std::uint32_t kComplement = 0xFFFFFFFEU;  // of a key; keys are at most this

// Keys order samples as their values do. A float's are its bits, turned round when negative; NaN has the largest key.
template <class Sample>
std::uint32_t key_of(Sample sample) {
  if constexpr (std::is_same_v<Sample, float>) {
    if (std::isnan(sample)) return kComplement;
    const auto bits = std::bit_cast<std::uint32_t>(sample);
    return bits & 0x80000000U ? ~bits : bits | 0x80000000U;
  } else {
    return sample;
  }
}

double value_of(Depth depth, std::uint32_t key) {
  if (depth != Depth::f32) return key;
  const std::uint32_t bits = key & 0x80000000U ? key & 0x7FFFFFFFU : ~key;
  return static_cast<double>(std::bit_cast<float>(bits));
}

template <class Sample>
Sample times_alpha(Sample color, Sample alpha) {
  if constexpr (std::is_same_v<Sample, float>) {
    return color * alpha;
  } else {
    constexpr std::uint32_t kTop = sizeof(Sample) == 1 ? 255 : 65535;
    return static_cast<Sample>((std::uint32_t{color} * alpha + kTop / 2) / kTop);
  }
}

struct Extremes {
  std::uint32_t largest, smallest;  // stored keys: 0 = none

  void add(std::uint32_t key) {
    largest = std::max(largest, key + 1);
    smallest = std::max(smallest, kComplement - key + 1);
  }
};

// The statistic as an array of Extremes: corner, then rows, then columns; channels innermost.
class Layout {
 public:
  explicit Layout(const ImageInfo& in) : in_(in), channels_(static_cast<std::size_t>(in.format.channels())) {}

  std::size_t count() const {
    return (1 + static_cast<std::size_t>(in_.height) + static_cast<std::size_t>(in_.width)) * channels_;
  }
  std::size_t row(std::int32_t y) const { return (1 + static_cast<std::size_t>(y)) * channels_; }
  std::size_t column(std::int32_t x) const { return row(in_.height) + static_cast<std::size_t>(x) * channels_; }
  std::size_t channels() const { return channels_; }

 private:
  ImageInfo in_;
  std::size_t channels_;
};

template <class Sample>
void measure_rows(const ImageInfo& in, const View& core, Extremes* sums) {
  const Layout layout(in);
  const std::size_t channels = layout.channels();
  const bool alpha = in.format.alpha;
  for (std::int32_t y = core.region.y0; y < core.region.y1; ++y) {
    const auto* sample = core.plane().row<Sample>(y - core.region.y0);
    Extremes* row = sums + layout.row(y);
    Extremes* column = sums + layout.column(core.region.x0);
    for (std::int32_t x = core.region.x0; x < core.region.x1; ++x, sample += channels, column += channels)
      for (std::size_t c = 0; c < channels; ++c) {
        const bool weighted = alpha && c + 1 < channels;
        const std::uint32_t key = key_of(weighted ? times_alpha(sample[c], sample[channels - 1]) : sample[c]);
        row[c].add(key);
        column[c].add(key);
        if (x == 0 && y == 0) sums[c].add(key);
      }
  }
}

class BorderReduction final : public Reduction {
 public:
  explicit BorderReduction(const ImageInfo& in) : in_(in) {}

  std::size_t bytes() const override { return Layout(in_).count() * sizeof(Extremes); }
  void measure(const View& core, WriteBytes sum) const override {
    assert(sum.size() == bytes());
    auto* sums = reinterpret_cast<Extremes*>(sum.data());
    switch (in_.format.depth) {
      case Depth::u8:
        return measure_rows<std::uint8_t>(in_, core, sums);
      case Depth::u16:
        return measure_rows<std::uint16_t>(in_, core, sums);
      case Depth::f32:
        return measure_rows<float>(in_, core, sums);
    }
  }
  void merge(ReadBytes other, WriteBytes sum) const override {
    assert(other.size() == bytes() && sum.size() == bytes());
    const auto* from = reinterpret_cast<const std::uint32_t*>(other.data());
    auto* to = reinterpret_cast<std::uint32_t*>(sum.data());
    for (std::size_t i = 0; i < bytes() / sizeof(std::uint32_t); ++i) to[i] = std::max(to[i], from[i]);
  }

 private:
  ImageInfo in_;
};

}  // namespace

std::unique_ptr<const Reduction> border_reduction(const ImageInfo& in) { return std::make_unique<BorderReduction>(in); }

Region content_region(const ImageInfo& in, ReadBytes statistic, const std::vector<double>& color, double tolerance) {
  const Layout layout(in);
  if (statistic.size() != layout.count() * sizeof(Extremes)) return {};
  std::vector<Extremes> sums(layout.count());
  std::memcpy(sums.data(), statistic.data(), statistic.size());
  if (std::ranges::any_of(sums, [](const Extremes& e) { return e.largest == 0 || e.smallest == 0; })) return {};
  const auto largest = [&](std::size_t i) { return value_of(in.format.depth, sums[i].largest - 1); };
  const auto smallest = [&](std::size_t i) { return value_of(in.format.depth, kComplement - (sums[i].smallest - 1)); };
  // Not "within": a NaN is content.
  const auto is_border = [&](std::size_t first) {
    for (std::size_t c = 0; c < layout.channels(); ++c) {
      const double border = color.empty() ? largest(c) : color[c];
      if (!(largest(first + c) <= border + tolerance && smallest(first + c) >= border - tolerance)) return false;
    }
    return true;
  };
  Region content = in.bounds();
  while (content.y0 < content.y1 && is_border(layout.row(content.y0))) ++content.y0;
  while (content.y0 < content.y1 && is_border(layout.row(content.y1 - 1))) --content.y1;
  if (content.empty()) return {};
  while (content.x0 < content.x1 && is_border(layout.column(content.x0))) ++content.x0;
  while (content.x0 < content.x1 && is_border(layout.column(content.x1 - 1))) --content.x1;
  return content;
}

}  // namespace tessera::stages
