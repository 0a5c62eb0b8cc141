// Histogram equalisation.
//   in, out  u8 or u16 (float is converted to u16 before); alpha is left alone, pixels with alpha 0 are not counted
//   luma     the table made from the luma's histogram is applied to every colour, so hues change little
//   each     every channel is equalised by itself
//   halo     none; exact under any tiling
//   source   cv::equalizeHist: the same bytes for gray u8 (tests/stages/tone/equalize_test.cc)
#include <cmath>

#include "stages/tone/histogram.h"
#include "stages/tone/tone.h"

namespace tessera::stages {
namespace {

// cv::equalizeHist computes in float and rounds half to even; so does this for its 256 levels. 65536 levels need
// double.
template <class Real>
std::vector<std::uint16_t> equalising_table(std::span<const std::uint64_t> counts) {
  const std::size_t levels = counts.size();
  std::vector<std::uint16_t> table(levels);
  for (std::size_t v = 0; v < levels; ++v) table[v] = static_cast<std::uint16_t>(v);
  std::uint64_t total = 0;
  std::size_t first = levels;
  for (std::size_t v = levels; v-- > 0;) {
    total += counts[v];
    if (counts[v]) first = v;
  }
  if (first == levels || counts[first] == total) return table;  // nothing was counted, or one level only
  const Real scale = static_cast<Real>(levels - 1) / static_cast<Real>(total - counts[first]);
  std::uint64_t sum = 0;
  for (std::size_t v = 0; v <= first; ++v) table[v] = 0;
  for (std::size_t v = first + 1; v < levels; ++v) {
    sum += counts[v];
    table[v] = static_cast<std::uint16_t>(std::lrint(static_cast<Real>(sum) * scale));
  }
  return table;
}

class Equalize final : public Stage {
 public:
  explicit Equalize(HistogramOf of) : of_(of) {}
  PixelFormat working_format(PixelFormat in) const override { return interleaved_integer(in); }
  std::optional<ImageInfo> output(const ImageInfo& in) const override { return in; }
  std::unique_ptr<const Reduction> reduction(const ImageInfo& in) const override {
    return histogram_reduction(in, of_);
  }

  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext& context) const override {
    const auto counts = histogram_counts(context.statistic);
    if (counts.empty()) return identity_operation(in);
    const std::size_t levels = in.format.depth == Depth::u8 ? 256 : 65536;
    LookupTable table{in.format.channels(), static_cast<int>(levels), {}};
    for (int c = 0; c < in.format.color_channels(); ++c) {
      const std::size_t which = of_ == HistogramOf::each ? static_cast<std::size_t>(c) : 0;
      const auto own = counts.subspan(which * levels, levels);
      const auto entries = levels == 256 ? equalising_table<float>(own) : equalising_table<double>(own);
      table.entries.insert(table.entries.end(), entries.begin(), entries.end());
    }
    if (in.format.alpha)
      for (std::size_t v = 0; v < levels; ++v) table.entries.push_back(static_cast<std::uint16_t>(v));
    return lookup_operation(in, std::move(table));
  }

 private:
  HistogramOf of_;
};

}  // namespace

StageEntry equalize_entry() {
  return {"equalize",
          "tone",
          "Spreads the tones so that each is equally frequent",
          "equalize channels=luma",
          Exactness::any_tiling,
          {{"channels",
            ParameterType::choice,
            "luma keeps the hues, each treats the colours separately",
            "luma",
            false,
            "",
            {},
            {},
            {"luma", "each"}}},
          [](const Values& v) -> std::unique_ptr<const Stage> {
            return std::make_unique<Equalize>(v.text("channels") == "each" ? HistogramOf::each : HistogramOf::luma);
          }};
}

}  // namespace tessera::stages
