// Automatic levels: the darkest tone becomes black and the lightest white, some pixels at both ends left out.
//   in, out  u8 or u16 (float is converted to u16 before); alpha is left alone, pixels with alpha 0 are not counted
//   black    the smallest level with more than `low` percent of the samples at or below it
//   white    the largest level with more than `high` percent of the samples at or above it
//   out      clamp((v - black) / (white - black), 0, 1); a channel with white <= black is left alone
//   all      black and white are those of all colours together, so hues stay
//   halo     none; exact under any tiling
//   source   ImageMagick's -contrast-stretch
#include <fmt/format.h>
#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "stages/tone/histogram.h"
#include "stages/tone/tone.h"

namespace tessera::stages {
namespace {

// The first level, from the front, with more than `part` of the counts at or before it.
template <class Iterator>
std::ptrdiff_t clip_point(Iterator begin, Iterator end, double part) {
  const double left_out = part * static_cast<double>(std::accumulate(begin, end, std::uint64_t{0}));
  std::uint64_t sum = 0;
  for (Iterator i = begin; i != end; ++i)
    if (sum += *i; static_cast<double>(sum) > left_out) return i - begin;
  return end - begin - 1;
}

ToneCurve stretching_curve(std::span<const std::uint64_t> counts, double low, double high) {
  const bool nothing = std::ranges::all_of(counts, [](std::uint64_t n) { return n == 0; });
  const std::ptrdiff_t max = static_cast<std::ptrdiff_t>(counts.size()) - 1;
  const std::ptrdiff_t black = clip_point(counts.begin(), counts.end(), low);
  const std::ptrdiff_t white = max - clip_point(counts.rbegin(), counts.rend(), high);
  if (nothing || white <= black) return [](double sample) { return sample; };
  const auto offset = static_cast<double>(black), span = static_cast<double>(white - black);
  return [scale = static_cast<double>(max), offset, span](double sample) {
    return std::clamp((sample * scale - offset) / span, 0.0, 1.0);
  };
}

struct Clip {
  double low, high;  // 0..1
};

class AutoLevels final : public Stage {
 public:
  AutoLevels(const Clip& clip, HistogramOf of) : clip_(clip), of_(of) {}
  PixelFormat working_format(PixelFormat in) const override { return interleaved_integer(in); }
  std::optional<ImageInfo> output(const ImageInfo& in) const override { return in; }
  std::unique_ptr<const Reduction> reduction(const ImageInfo& in) const override {
    return histogram_reduction(in, of_);
  }

  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext& context) const override {
    const auto counts = histogram_counts(context.statistic);
    if (counts.empty()) return identity_operation(in);
    const std::size_t levels = in.format.depth == Depth::u8 ? 256 : 65536;
    std::vector<ToneCurve> curves;
    for (std::size_t begin = 0; begin < counts.size(); begin += levels)
      curves.push_back(stretching_curve(counts.subspan(begin, levels), clip_.low, clip_.high));
    return tone_operation(in, std::move(curves));
  }

 private:
  Clip clip_;
  HistogramOf of_;
};

}  // namespace

StageEntry auto_levels_entry() {
  return {"auto-levels",
          "tone",
          "Stretches the tones so that the darkest is black and the lightest white",
          "auto-levels 0.5 clip-high=0.5",
          Exactness::any_tiling,
          {{"clip-low", ParameterType::number, "Part of the samples that may become black", "0.1", false, "%", 0, 50},
           {"clip-high", ParameterType::number, "Part of the samples that may become white", "0.1", false, "%", 0, 50},
           {"channels",
            ParameterType::choice,
            "all stretches the colours alike and keeps hues, each removes a cast as well",
            "all",
            false,
            "",
            {},
            {},
            {"all", "each"}}},
          [](const Values& v) -> std::unique_ptr<const Stage> {
            const Clip clip{v.number("clip-low") / 100, v.number("clip-high") / 100};
            if (clip.low + clip.high >= 1)
              throw std::invalid_argument("auto-levels: clip-low and clip-high together must leave some tones");
            return std::make_unique<AutoLevels>(clip,
                                                v.text("channels") == "each" ? HistogramOf::each : HistogramOf::all);
          }};
}

}  // namespace tessera::stages
