#include "stages/resampler.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "stages/resampler_kernels.h"
#include "stages/resampler_taps.h"

namespace tessera::stages {
namespace {

using kernels::Alpha;

/// The input samples that one axis of one plane needs for output samples [begin, end).
struct Range {
  std::int32_t begin, end;
};

struct PlaneAxes {
  ResampleAxis x, y;
};

PlaneAxes axes_of(const ImageInfo& in, const ImageInfo& out, const ResampleTarget& target, int plane) {
  const Region from = samples(in, plane, in.bounds()), to = samples(out, plane, out.bounds());
  const Grid &a = in.grid[static_cast<std::size_t>(plane)], &b = out.grid[static_cast<std::size_t>(plane)];
  return {{in.width, a.log2_x, a.phase_x, from.x1, target.width, target.window.x0 + b.phase_x, b.log2_x, to.x1},
          {in.height, a.log2_y, a.phase_y, from.y1, target.height, target.window.y0 + b.phase_y, b.log2_y, to.y1}};
}

// What all resampling operations share: sizes and where points and regions go.
class ResampleBase : public Operation {
 public:
  ResampleBase(const ImageInfo& in, const ResampleTarget& target)
      : in_(in), target_(target), out_(resampled_info(in, target)) {}

  ImageInfo output() const override { return out_; }
  std::array<double, 2> map_point(double x, double y) const override {
    return {x * target_.width / in_.width - target_.window.x0, y * target_.height / in_.height - target_.window.y0};
  }
  Region required_input(const Region& out) const override {
    Region need;
    for (int p = 0; p < in_.format.planes(); ++p) {
      const Grid& g = in_.grid[static_cast<std::size_t>(p)];
      const Region s = input_samples(p, samples(out_, p, out));
      need = unite(need, {(s.x0 << g.log2_x) + g.phase_x, (s.y0 << g.log2_y) + g.phase_y,
                          (s.x1 << g.log2_x) + g.phase_x, (s.y1 << g.log2_y) + g.phase_y});
    }
    return intersect(need, in_.bounds());
  }

 protected:
  /// The samples of input plane `plane` that output samples `out` are made of.
  virtual Region input_samples(int plane, const Region& out) const = 0;

  ImageInfo in_;
  ResampleTarget target_;
  ImageInfo out_;
};

template <class Weight>
struct PlaneTaps {
  Taps<Weight> x, y;
  bool copies = false;  // every output sample is one input sample and its neighbours are that one's neighbours
};

template <class Weight>
bool copies(const Taps<Weight>& taps) {
  const auto last = static_cast<std::int32_t>(taps.first.size()) - 1;
  return taps.first.back() - taps.first.front() == last &&
         std::ranges::all_of(taps.count, [](std::int32_t count) { return count == 1; });
}

PlaneTaps<std::int16_t> bind_taps(const Taps<double>& x, const Taps<double>& y, std::int16_t) {
  const Reach blended = reach_of(y, {0, 255.0 * (1 << kernels::kFraction8)});
  assert(blended.magnitude() + 1 <= 32767);
  return {short_taps(x, blended.magnitude() + 1, kernels::kBlock8), short_taps(y, 255, y.stride), false};
}
PlaneTaps<std::int32_t> bind_taps(const Taps<double>& x, const Taps<double>& y, std::int32_t) {
  return {wide_taps(x), wide_taps(y), false};
}
PlaneTaps<float> bind_taps(const Taps<double>& x, const Taps<double>& y, float) {
  return {float_taps(x), float_taps(y), false};
}

/// Weight std::int16_t: u8 without alpha. std::int32_t: u16, and u8 with alpha. float: f32.
template <class Weight>
class FilteredResample final : public ResampleBase {
 public:
  FilteredResample(const ImageInfo& in, const ResampleTarget& target, Filter filter) : ResampleBase(in, target) {
    for (int p = 0; p < in.format.planes(); ++p) {
      const auto at = static_cast<std::size_t>(p);
      if (p > 0 && in_.grid[at] == in_.grid[at - 1] && out_.grid[at] == out_.grid[at - 1]) {
        taps_.push_back(taps_.back());  // both chroma planes alike; sines take their time
        continue;
      }
      const PlaneAxes axes = axes_of(in_, out_, target, p);
      taps_.push_back(bind_taps(real_taps(axes.x, filter), real_taps(axes.y, filter), Weight{}));
      taps_.back().copies = !in_.format.alpha && copies(taps_.back().x) && copies(taps_.back().y);
    }
  }

  void apply(const View& in, const MutableView& out, Scratch& scratch) const override {
    for (int p = 0; p < in_.format.planes(); ++p) {
      if constexpr (std::is_same_v<Weight, std::int16_t>) {
        apply_plane<std::uint8_t>(p, in, out, scratch);
      } else if constexpr (std::is_same_v<Weight, float>) {
        apply_plane<float>(p, in, out, scratch);
      } else if (in_.format.depth == Depth::u8) {
        apply_plane<std::uint8_t>(p, in, out, scratch);
      } else {
        apply_plane<std::uint16_t>(p, in, out, scratch);
      }
    }
  }

 private:
  static Range range(const Taps<Weight>& taps, std::int32_t begin, std::int32_t end) {
    Range range{taps.first[static_cast<std::size_t>(begin)], 0};
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      range.begin = std::min(range.begin, taps.first[i]);
      range.end = std::max(range.end, taps.first[i] + taps.count[i]);
    }
    return range;
  }

  Region input_samples(int plane, const Region& out) const override {
    const PlaneTaps<Weight>& taps = taps_[static_cast<std::size_t>(plane)];
    const Range x = range(taps.x, out.x0, out.x1), y = range(taps.y, out.y0, out.y1);
    return {x.begin, y.begin, x.end, y.end};
  }

  // One output row at a time: blend the rows above it into one, filter along it.
  template <class Sample>
  void apply_plane(int p, const View& in, const MutableView& out, Scratch& scratch) const {
    const Scratch::Mark mark(scratch);
    const PlaneTaps<Weight>& taps = taps_[static_cast<std::size_t>(p)];
    const Region to = samples(out_, p, out.region), from = input_samples(p, to), there = samples(in_, p, in.region);
    const int channels = in_.format.channels();
    if (taps.copies) {
      const std::ptrdiff_t skip = static_cast<std::ptrdiff_t>(from.x0 - there.x0) * channels;
      const auto bytes = static_cast<std::size_t>(to.width() * channels) * sizeof(Sample);
      for (std::int32_t y = 0; y < to.height(); ++y)
        std::memcpy(out.plane(p).template row<Sample>(y),
                    in.plane(p).template row<Sample>(from.y0 + y - there.y0) + skip, bytes);
      return;
    }
    const kernels::Windows<Weight> windows{taps.x.first.data(),
                                           taps.x.count.data(),
                                           taps.x.weights.data(),
                                           taps.x.stride,
                                           taps.x.shift,
                                           to.x0,
                                           to.x1,
                                           from.x0};
    // The 8-bit filter reads whole blocks of taps, up to a stride beyond the row.
    const std::ptrdiff_t plane_stride = from.width() + taps.x.stride;
    const auto blended = scratch.take_array<Weight>(static_cast<std::uint64_t>(plane_stride * channels));
    const auto rows = scratch.take_array<const Sample*>(static_cast<std::uint64_t>(taps.y.stride));
    std::ranges::fill(blended, Weight{0});
    for (std::int32_t y = to.y0; y < to.y1; ++y) {
      const auto at = static_cast<std::size_t>(y);
      const std::int32_t first = taps.y.first[at], count = taps.y.count[at];
      for (std::int32_t k = 0; k < count; ++k)
        rows[static_cast<std::size_t>(k)] = in.plane(p).template row<Sample>(first + k - there.y0) +
                                            static_cast<std::ptrdiff_t>(from.x0 - there.x0) * channels;
      one_row(rows.data(), taps.y.of(y), count, taps.y.shift, from.width(), blended.data(), plane_stride, windows,
              out.plane(p).template row<Sample>(y - to.y0));
    }
  }

  template <class Sample>
  void one_row(const Sample* const* rows, const Weight* weights, std::int32_t count, int shift, std::int32_t pixels,
               Weight* blended, [[maybe_unused]] std::ptrdiff_t plane_stride, const kernels::Windows<Weight>& windows,
               Sample* out) const {
    const int channels = in_.format.channels();
    [[maybe_unused]] const Alpha alpha = in_.format.alpha ? Alpha::premultiplied : Alpha::plain;
    if constexpr (std::is_same_v<Weight, std::int16_t>) {
      kernels::blend_u8(rows, weights, count, shift, pixels, channels, blended, plane_stride);
      kernels::filter_u8(blended, plane_stride, windows, channels, out);
    } else if constexpr (std::is_same_v<Weight, float>) {
      kernels::blend_float(rows, weights, count, pixels, channels, alpha, blended);
      kernels::filter_float(blended, windows, channels, alpha, out);
    } else if constexpr (sizeof(Sample) == 1) {
      kernels::blend_wide(rows, weights, count, shift, pixels, channels, blended);
      kernels::filter_wide(blended, windows, channels, out);
    } else {
      kernels::blend_wide(rows, weights, count, shift, pixels, channels, alpha, blended);
      kernels::filter_wide(blended, windows, channels, alpha, out);
    }
  }

  std::vector<PlaneTaps<Weight>> taps_;
};

/// Copies pixels of kBytes bytes from the columns that `columns` names.
template <int kBytes>
void gather(const std::byte* in, std::span<const std::int32_t> columns, std::int32_t origin, std::byte* out) {
  for (const std::int32_t x : columns) {
    std::memcpy(out, in + static_cast<std::ptrdiff_t>(x - origin) * kBytes, kBytes);
    out += kBytes;
  }
}

class NearestResample final : public ResampleBase {
 public:
  NearestResample(const ImageInfo& in, const ResampleTarget& target) : ResampleBase(in, target) {
    for (int p = 0; p < in.format.planes(); ++p) {
      const PlaneAxes axes = axes_of(in_, out_, target, p);
      planes_.push_back({nearest_samples(axes.x), nearest_samples(axes.y)});
    }
  }

  void apply(const View& in, const MutableView& out, Scratch&) const override {
    for (int p = 0; p < in_.format.planes(); ++p) {
      const Plane& plane = planes_[static_cast<std::size_t>(p)];
      const Region to = samples(out_, p, out.region), there = samples(in_, p, in.region);
      const std::span columns =
          std::span(plane.columns).subspan(static_cast<std::size_t>(to.x0), static_cast<std::size_t>(to.width()));
      for (std::int32_t y = to.y0; y < to.y1; ++y)
        copy_row(in.plane(p).row<std::byte>(plane.rows[static_cast<std::size_t>(y)] - there.y0), columns, there.x0,
                 out.plane(p).row<std::byte>(y - to.y0));
    }
  }

 private:
  struct Plane {
    std::vector<std::int32_t> columns, rows;  // the input sample of each output sample, ascending
  };

  Region input_samples(int plane, const Region& out) const override {
    const auto& [columns, rows] = planes_[static_cast<std::size_t>(plane)];
    const auto at = [](const std::vector<std::int32_t>& v, std::int32_t i) { return v[static_cast<std::size_t>(i)]; };
    return {at(columns, out.x0), at(rows, out.y0), at(columns, out.x1 - 1) + 1, at(rows, out.y1 - 1) + 1};
  }

  void copy_row(const std::byte* in, std::span<const std::int32_t> columns, std::int32_t origin, std::byte* out) const {
    switch (in_.format.pixel_bytes()) {
      case 1:
        return gather<1>(in, columns, origin, out);
      case 2:
        return gather<2>(in, columns, origin, out);
      case 3:
        return gather<3>(in, columns, origin, out);
      case 4:
        return gather<4>(in, columns, origin, out);
      case 6:
        return gather<6>(in, columns, origin, out);
      case 8:
        return gather<8>(in, columns, origin, out);
      case 12:
        return gather<12>(in, columns, origin, out);
      default:
        return gather<16>(in, columns, origin, out);
    }
  }

  std::vector<Plane> planes_;
};

}  // namespace

ImageInfo resampled_info(const ImageInfo& in, const ResampleTarget& target) {
  ImageInfo out = in;
  out.width = target.window.width(), out.height = target.window.height();
  const Grid luma = in.grid[0];
  for (int p = 0; p < 4; ++p) {
    Grid& g = out.grid[static_cast<std::size_t>(p)];
    const bool plane_of_its_own = p > 0 && p < in.format.planes();
    const auto coarser = [&](std::uint8_t own, std::uint8_t first) {
      return static_cast<std::uint8_t>(plane_of_its_own && own > first ? own - first : 0);
    };
    g = {coarser(g.log2_x, luma.log2_x), coarser(g.log2_y, luma.log2_y), 0, 0};
    if (plane_of_its_own && p < 3 && target.chroma) g = *target.chroma;
  }
  return out;
}

std::unique_ptr<const Operation> resample(const ImageInfo& in, const ResampleTarget& target, Filter filter) {
  assert(valid(in) && Region({0, 0, target.width, target.height}).contains(target.window) && !target.window.empty());
  if (filter == Filter::nearest) return std::make_unique<NearestResample>(in, target);
  assert(in.format.model != Model::ycbcr_planar || !in.format.alpha);
  if (in.format.depth == Depth::f32) return std::make_unique<FilteredResample<float>>(in, target, filter);
  if (in.format.depth == Depth::u8 && !in.format.alpha)
    return std::make_unique<FilteredResample<std::int16_t>>(in, target, filter);
  return std::make_unique<FilteredResample<std::int32_t>>(in, target, filter);
}

}  // namespace tessera::stages
