// White balance by the gray-world rule: the colours' means are made equal.
//   gain     (mean of the luma) / (mean of the channel), held between 1 / max-gain and max-gain
//            Unless a gain is held or a sample clipped, the mean luma stays: the luma is a weighted sum of the means.
//   in, out  u8 or u16 (float is converted to u16 before); alpha is left alone, pixels with alpha 0 are not measured;
//            gray, and a picture with an empty channel, keep that channel
//   halo     none; exact under any tiling: sums of integers, one table per channel
//   source   Buchsbaum, A spatial processor model for object colour perception (1980)
#include <algorithm>
#include <cassert>

#include "stages/tone/histogram.h"
#include "stages/tone/tone.h"

namespace tessera::stages {
namespace {

/// The sums of blue, green and red, and the number of pixels.
class SumReduction final : public Reduction {
 public:
  explicit SumReduction(const ImageInfo& info) : info_(info) {}
  std::size_t bytes() const override { return 4 * sizeof(std::uint64_t); }
  void measure(const View& core, WriteBytes sum) const override {
    auto* sums = reinterpret_cast<std::uint64_t*>(sum.data());
    if (info_.format.depth == Depth::u8)
      rows<std::uint8_t>(core, sums);
    else
      rows<std::uint16_t>(core, sums);
  }
  void merge(ReadBytes other, WriteBytes sum) const override { merge_counts(other, sum); }

 private:
  template <class Sample>
  void rows(const View& core, std::uint64_t* sums) const {
    const bool alpha = info_.format.alpha;
    const int channels = info_.format.channels();
    std::uint64_t blue = 0, green = 0, red = 0, count = 0;
    for (std::int32_t y = 0; y < core.plane().height; ++y) {
      const Sample* pixel = core.plane().template row<Sample>(y);
      for (std::int32_t x = 0; x < core.plane().width; ++x, pixel += channels) {
        if (alpha && pixel[3] == 0) continue;
        blue += pixel[0], green += pixel[1], red += pixel[2], ++count;
      }
    }
    sums[0] += blue, sums[1] += green, sums[2] += red, sums[3] += count;
  }

  ImageInfo info_;
};

class WhiteBalance final : public Stage {
 public:
  explicit WhiteBalance(double max_gain) : max_gain_(max_gain) {}
  PixelFormat working_format(PixelFormat in) const override { return interleaved_integer(in); }
  std::optional<ImageInfo> output(const ImageInfo& in) const override { return in; }
  std::unique_ptr<const Reduction> reduction(const ImageInfo& in) const override {
    if (in.format.model == Model::gray) return nullptr;
    return std::make_unique<SumReduction>(in);
  }

  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext& context) const override {
    const auto sums = histogram_counts(context.statistic);
    if (in.format.model == Model::gray || sums.empty() || sums[3] == 0) return identity_operation(in);
    const auto blue = static_cast<double>(sums[0]), green = static_cast<double>(sums[1]);
    const auto red = static_cast<double>(sums[2]);
    const double luma = 0.114 * blue + 0.587 * green + 0.299 * red;
    std::vector<ToneCurve> curves;
    for (const double channel : {blue, green, red}) {
      const double gain = channel > 0 ? std::clamp(luma / channel, 1 / max_gain_, max_gain_) : 1;
      curves.push_back([gain](double sample) { return gain * sample; });
    }
    return tone_operation(in, std::move(curves));
  }

 private:
  double max_gain_;
};

}  // namespace

StageEntry white_balance_entry() {
  return {"white-balance",
          "tone",
          "Removes a colour cast: makes the mean of the picture gray (gray-world)",
          "white-balance 2",
          Exactness::any_tiling,
          {{"max-gain", ParameterType::number, "No channel is multiplied or divided by more", "4", false, "", 1, 16}},
          [](const Values& v) -> std::unique_ptr<const Stage> {
            return std::make_unique<WhiteBalance>(v.number("max-gain"));
          }};
}

}  // namespace tessera::stages
