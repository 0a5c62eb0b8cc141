#include "stages/lookup.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace tessera::stages {
namespace {

// One table for every interleaved channel (stride 0) or one per channel (stride levels).
template <class Sample, int kChannels>
void look_up_row(const Sample* in, Sample* out, std::int32_t pixels, const Sample* table, std::size_t stride) {
  for (std::int32_t x = 0; x < pixels; ++x)
    for (int c = 0; c < kChannels; ++c)
      out[x * kChannels + c] = table[static_cast<std::size_t>(c) * stride + in[x * kChannels + c]];
}

template <class Sample>
class LookupOperation final : public Operation {
 public:
  LookupOperation(const ImageInfo& info, LookupTable table)
      : info_(info), table_(std::move(table)), samples_(table_.entries.begin(), table_.entries.end()) {
    const auto levels = static_cast<std::ptrdiff_t>(table_.levels);
    bool same = true;
    for (std::ptrdiff_t c = 1; c < table_.channels; ++c)
      same = same && std::equal(samples_.begin(), samples_.begin() + levels, samples_.begin() + c * levels);
    stride_ = same ? 0 : static_cast<std::size_t>(table_.levels);
  }

  ImageInfo output() const override { return info_; }
  Region required_input(const Region& out) const override { return out; }
  std::optional<LookupTable> table() const override { return table_; }
  bool in_place() const override { return true; }

  void apply(const View& in, const MutableView& out, Scratch&) const override {
    const View part = sub_view(info_, in, out.region);
    const auto& to = out.plane();
    for (std::int32_t y = 0; y < to.height; ++y) row(part.plane().row<Sample>(y), to.template row<Sample>(y), to.width);
  }

 private:
  void row(const Sample* in, Sample* out, std::int32_t width) const {
    const Sample* table = samples_.data();
    if (stride_ == 0) return look_up_row<Sample, 1>(in, out, width * table_.channels, table, 0);
    switch (table_.channels) {
      case 2:
        return look_up_row<Sample, 2>(in, out, width, table, stride_);
      case 3:
        return look_up_row<Sample, 3>(in, out, width, table, stride_);
      default:
        return look_up_row<Sample, 4>(in, out, width, table, stride_);
    }
  }

  ImageInfo info_;
  LookupTable table_;
  std::vector<Sample> samples_;  // the table's entries in the image's own type: a 256-byte table stays in the L1 cache
  std::size_t stride_;
};

// Float samples have no table: the curves are computed for each.
class CurveOperation final : public Operation {
 public:
  CurveOperation(const ImageInfo& info, std::vector<ToneCurve> curves) : info_(info), curves_(std::move(curves)) {}

  ImageInfo output() const override { return info_; }
  Region required_input(const Region& out) const override { return out; }
  bool in_place() const override { return true; }

  void apply(const View& in, const MutableView& out, Scratch&) const override {
    const View part = sub_view(info_, in, out.region);
    const auto& to = out.plane();
    const int channels = info_.format.channels(), colors = info_.format.color_channels();
    for (std::int32_t y = 0; y < to.height; ++y) {
      const float* from_row = part.plane().row<float>(y);
      float* to_row = to.row<float>(y);
      for (std::int32_t x = 0; x < to.width; ++x, from_row += channels, to_row += channels)
        for (int c = 0; c < channels; ++c)
          to_row[c] = c < colors ? static_cast<float>(curve(c)(static_cast<double>(from_row[c]))) : from_row[c];
    }
  }

 private:
  const ToneCurve& curve(int c) const { return curves_[std::min(static_cast<std::size_t>(c), curves_.size() - 1)]; }

  ImageInfo info_;
  std::vector<ToneCurve> curves_;
};

LookupTable tabulate(const PixelFormat& format, const std::vector<ToneCurve>& curves) {
  LookupTable table{format.channels(), format.depth == Depth::u8 ? 256 : 65536, {}};
  const auto levels = static_cast<std::size_t>(table.levels);
  const double max = table.levels - 1;
  table.entries.resize(static_cast<std::size_t>(table.channels) * levels);
  for (std::size_t c = 0; c < static_cast<std::size_t>(table.channels); ++c) {
    const auto begin = table.entries.begin() + static_cast<std::ptrdiff_t>(c * levels);
    if (format.alpha && c + 1 == static_cast<std::size_t>(table.channels)) {
      for (std::size_t v = 0; v < levels; ++v) begin[static_cast<std::ptrdiff_t>(v)] = static_cast<std::uint16_t>(v);
    } else if (c >= curves.size()) {  // 65536 powers take about 2 ms: the last curve's are computed once
      std::copy_n(begin - static_cast<std::ptrdiff_t>(levels), levels, begin);
    } else {
      for (std::size_t v = 0; v < levels; ++v) {
        const double level = std::floor(curves[c](static_cast<double>(v) / max) * max + 0.5);
        begin[static_cast<std::ptrdiff_t>(v)] = static_cast<std::uint16_t>(level >= max ? max : level > 0 ? level : 0);
      }
    }
  }
  return table;
}

}  // namespace

std::unique_ptr<const Operation> tone_operation(const ImageInfo& info, std::vector<ToneCurve> curves) {
  assert(info.format.model != Model::ycbcr_planar && !curves.empty());
  if (info.format.depth == Depth::f32) return std::make_unique<CurveOperation>(info, std::move(curves));
  return lookup_operation(info, tabulate(info.format, curves));
}

std::unique_ptr<const Operation> lookup_operation(const ImageInfo& info, LookupTable table) {
  assert(info.format.model != Model::ycbcr_planar && info.format.depth != Depth::f32);
  assert(table.channels == info.format.channels() && table.levels == (info.format.depth == Depth::u8 ? 256 : 65536));
  assert(table.entries.size() == static_cast<std::size_t>(table.channels) * static_cast<std::size_t>(table.levels));
  if (info.format.depth == Depth::u8) return std::make_unique<LookupOperation<std::uint8_t>>(info, std::move(table));
  return std::make_unique<LookupOperation<std::uint16_t>>(info, std::move(table));
}

LookupTable compose(const LookupTable& first, const LookupTable& second) {
  assert(first.channels == second.channels && first.levels == second.levels);
  LookupTable both{first.channels, first.levels, std::vector<std::uint16_t>(first.entries.size())};
  const auto levels = static_cast<std::size_t>(first.levels);
  for (std::size_t i = 0; i < first.entries.size(); ++i)
    both.entries[i] = second.entries[i / levels * levels + first.entries[i]];
  return both;
}

}  // namespace tessera::stages
