#include "stages/resampler.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "stages/resampler_kernels.h"
#include "stages/resampler_taps.h"

namespace tessera::stages {
namespace {

using kernels::Alpha;

// Of the input rows under four output rows, so many bytes are blended before the next.
constexpr std::int32_t kPieceBytes = 24 << 10;

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
      if (taps_[static_cast<std::size_t>(p)].copies) {
        copy_plane(p, in, out);
      } else if constexpr (std::is_same_v<Weight, std::int16_t>) {
        apply_u8(p, in, out, scratch);
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

  /// What one call of apply works on in one plane: regions of its samples, and the windows of its columns.
  struct PlaneWork {
    Region to, from, there;  // output; what it is made of; what the input holds
    kernels::Windows<Weight> windows;
  };
  PlaneWork plane_work(int p, const View& in, const MutableView& out) const {
    const Taps<Weight>& x = taps_[static_cast<std::size_t>(p)].x;
    const Region to = samples(out_, p, out.region), from = input_samples(p, to);
    return {to,
            from,
            samples(in_, p, in.region),
            {x.first.data(), x.count.data(), x.weights.data(), x.stride, x.shift, to.x0, to.x1, from.x0}};
  }

  /// The input rows of output row `y`, from column from.x0; `rows` has a place for each tap.
  template <class Sample>
  void find_rows(int p, const View& in, const PlaneWork& work, std::int32_t y, std::span<const Sample*> rows) const {
    const Taps<Weight>& taps = taps_[static_cast<std::size_t>(p)].y;
    const auto at = static_cast<std::size_t>(y);
    for (std::int32_t k = 0; k < taps.count[at]; ++k)
      rows[static_cast<std::size_t>(k)] =
          in.plane(p).template row<Sample>(taps.first[at] + k - work.there.y0) +
          static_cast<std::ptrdiff_t>(work.from.x0 - work.there.x0) * in_.format.channels();
  }

  void copy_plane(int p, const View& in, const MutableView& out) const {
    const Region to = samples(out_, p, out.region), from = input_samples(p, to), there = samples(in_, p, in.region);
    const std::ptrdiff_t pixel = in_.format.pixel_bytes();
    for (std::int32_t y = 0; y < to.height(); ++y)
      std::memcpy(out.plane(p).row<std::byte>(y),
                  in.plane(p).row<std::byte>(from.y0 + y - there.y0) + (from.x0 - there.x0) * pixel,
                  static_cast<std::size_t>(to.width() * pixel));
  }

  // One output row at a time: blend the rows above it into one, filter along it.
  template <class Sample>
  void apply_plane(int p, const View& in, const MutableView& out, Scratch& scratch) const {
    const Scratch::Mark mark(scratch);
    const PlaneWork work = plane_work(p, in, out);
    const Taps<Weight>& taps = taps_[static_cast<std::size_t>(p)].y;
    const auto blended =
        scratch.take_array<Weight>(static_cast<std::uint64_t>(work.from.width() * in_.format.channels()));
    const auto rows = scratch.take_array<const Sample*>(static_cast<std::uint64_t>(taps.stride));
    for (std::int32_t y = work.to.y0; y < work.to.y1; ++y) {
      find_rows<Sample>(p, in, work, y, rows);
      one_row(rows.data(), taps.of(y), taps.count[static_cast<std::size_t>(y)], taps.shift, work.from.width(),
              blended.data(), work.windows, out.plane(p).template row<Sample>(y - work.to.y0));
    }
  }

  template <class Sample>
  void one_row(const Sample* const* rows, const Weight* weights, std::int32_t count, int shift, std::int32_t pixels,
               Weight* blended, const kernels::Windows<Weight>& windows, Sample* out) const {
    const int channels = in_.format.channels();
    const Alpha alpha = in_.format.alpha ? Alpha::premultiplied : Alpha::plain;
    if constexpr (std::is_same_v<Weight, float>) {
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

  // u8 without alpha: four output rows at a time. Their input rows are mostly the same, and are read a piece at a time
  // so that they come from the L1 cache; they share the horizontal windows.
  void apply_u8(int p, const View& in, const MutableView& out,
                Scratch& scratch) const requires std::is_same_v<Weight, std::int16_t> {
    const Scratch::Mark mark(scratch);
    const PlaneWork work = plane_work(p, in, out);
    const Taps<Weight>& taps = taps_[static_cast<std::size_t>(p)].y;
    const int channels = in_.format.channels(), lines = std::min(kernels::kLines8, work.to.height()) * channels;
    const std::int32_t width = work.from.width(), piece = std::max(kPieceBytes / channels / (taps.stride + 8), 64);
    const std::ptrdiff_t line_stride = width + work.windows.stride;
    const auto blended = scratch.take_array<std::int16_t>(static_cast<std::uint64_t>(line_stride * lines));
    const auto line = [&](int i) { return blended.data() + line_stride * i; };
    // What filter_u8 reads behind a line's end.
    for (int i = 0; i < lines; ++i) std::fill_n(line(i) + width, work.windows.stride, std::int16_t{0});
    std::array<std::span<const std::uint8_t*>, kernels::kLines8> rows;
    for (auto& r : rows) r = scratch.take_array<const std::uint8_t*>(static_cast<std::uint64_t>(taps.stride));
    const int filtered_lines = (lines + kernels::kLines8 - 1) / kernels::kLines8 * kernels::kLines8;
    const std::span<std::uint8_t> planes = scratch.take_array<std::uint8_t>(
        static_cast<std::uint64_t>(work.to.width()) * static_cast<std::uint64_t>(filtered_lines));

    for (std::int32_t y = work.to.y0; y < work.to.y1; y += kernels::kLines8) {
      const int count = std::min(kernels::kLines8, work.to.y1 - y);
      for (int r = 0; r < count; ++r) find_rows<std::uint8_t>(p, in, work, y + r, rows[static_cast<std::size_t>(r)]);
      for (std::int32_t begin = 0; begin < width; begin += piece)
        for (int r = 0; r < count; ++r)
          kernels::blend_u8(rows[static_cast<std::size_t>(r)].data(), taps.of(y + r),
                            taps.count[static_cast<std::size_t>(y + r)], taps.shift, begin,
                            std::min(begin + piece, width), channels, line(r * channels), line_stride);
      const auto target = [&](int r) { return out.plane(p).template row<std::uint8_t>(y + r - work.to.y0); };
      const auto filtered = [&](int i) { return planes.data() + static_cast<std::ptrdiff_t>(work.to.width()) * i; };
      for (int i = 0; i < count * channels; i += kernels::kLines8) {
        std::array<const std::int16_t*, kernels::kLines8> from;
        std::array<std::uint8_t*, kernels::kLines8> to;
        for (int j = 0; j < kernels::kLines8; ++j) {  // a line that is not there: another one, to where nobody looks
          const bool there = i + j < count * channels;
          from[static_cast<std::size_t>(j)] = line(there ? i + j : i);
          to[static_cast<std::size_t>(j)] = channels == 1 && there ? target(j) : filtered(i + j);
        }
        kernels::filter_u8(from.data(), work.windows, to.data());
      }
      for (int r = 0; channels == 3 && r < count; ++r) {
        const std::array<const std::uint8_t*, 3> colors{filtered(3 * r), filtered(3 * r + 1), filtered(3 * r + 2)};
        kernels::weave_u8(colors.data(), work.to.width(), target(r));
      }
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
