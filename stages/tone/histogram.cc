#include "stages/tone/histogram.h"

#include <cassert>

#include "stages/luma.h"

namespace tessera::stages {
namespace {

class HistogramReduction final : public Reduction {
 public:
  HistogramReduction(const ImageInfo& info, HistogramOf of) : info_(info), of_(of) {}

  std::size_t bytes() const override {
    const int tables = of_ == HistogramOf::each ? info_.format.color_channels() : 1;
    return static_cast<std::size_t>(tables) * levels() * sizeof(std::uint64_t);
  }
  void measure(const View& core, WriteBytes sum) const override {
    assert(sum.size() == bytes());
    auto* counts = reinterpret_cast<std::uint64_t*>(sum.data());
    if (info_.format.depth == Depth::u8)
      rows<std::uint8_t>(core, counts);
    else
      rows<std::uint16_t>(core, counts);
  }
  void merge(ReadBytes other, WriteBytes sum) const override { merge_counts(other, sum); }

 private:
  std::size_t levels() const { return info_.format.depth == Depth::u8 ? 256 : 65536; }

  template <class Sample>
  void rows(const View& core, std::uint64_t* counts) const {
    const bool color = info_.format.model == Model::bgr, alpha = info_.format.alpha;
    for (std::int32_t y = 0; y < core.plane().height; ++y) {
      const Sample* row = core.plane().template row<Sample>(y);
      const std::int32_t width = core.plane().width;
      if (color)
        alpha ? count_row<Sample, 4>(row, width, counts) : count_row<Sample, 3>(row, width, counts);
      else
        alpha ? count_row<Sample, 2>(row, width, counts) : count_row<Sample, 1>(row, width, counts);
    }
  }

  template <class Sample, int kChannels>
  void count_row(const Sample* row, std::int32_t width, std::uint64_t* counts) const {
    constexpr int kColors = kChannels >= 3 ? 3 : 1;
    const bool of_luma = of_ == HistogramOf::luma;
    const std::size_t stride = of_ == HistogramOf::each ? levels() : 0;
    for (std::int32_t x = 0; x < width; ++x, row += kChannels) {
      if (kChannels % 2 == 0 && row[kChannels - 1] == 0) continue;
      if (kColors == 3 && of_luma) {
        ++counts[luma(row[0], row[kColors / 2], row[kColors - 1])];
      } else {
        for (int c = 0; c < kColors; ++c) ++counts[static_cast<std::size_t>(c) * stride + row[c]];
      }
    }
  }

  ImageInfo info_;
  HistogramOf of_;
};

}  // namespace

std::unique_ptr<const Reduction> histogram_reduction(const ImageInfo& info, HistogramOf of) {
  assert(info.full_size() && info.format.model != Model::ycbcr_planar && info.format.depth != Depth::f32);
  return std::make_unique<HistogramReduction>(info, of);
}

std::span<const std::uint64_t> histogram_counts(ReadBytes statistic) {
  return {reinterpret_cast<const std::uint64_t*>(statistic.data()), statistic.size() / sizeof(std::uint64_t)};
}

void merge_counts(ReadBytes other, WriteBytes sum) {
  assert(other.size() == sum.size());
  const auto* from = reinterpret_cast<const std::uint64_t*>(other.data());
  auto* to = reinterpret_cast<std::uint64_t*>(sum.data());
  for (std::size_t i = 0; i < sum.size() / sizeof(std::uint64_t); ++i) to[i] += from[i];
}

}  // namespace tessera::stages
