#include "tests/stages/geometry/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <numbers>

namespace tessera::tests {
using namespace stages;
namespace {

double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

double definition(Filter filter, double x) {
  x = std::abs(x);
  switch (filter) {
    case Filter::triangle:
      return x < 1 ? 1 - x : 0;
    case Filter::catmull_rom:
      return x < 1 ? 1.5 * x * x * x - 2.5 * x * x + 1 : x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
    case Filter::mitchell:
      return x < 1   ? (7 * x * x * x - 12 * x * x + 16.0 / 3) / 6
             : x < 2 ? (-7.0 / 3 * x * x * x + 12 * x * x - 20 * x + 32.0 / 3) / 6
                     : 0;
    default:
      return x < 3 ? sinc(x) * sinc(x / 3) : 0;
  }
}

// All in full-size input pixels.
struct Line {
  int count = 0;
  double origin = 0, pitch = 1;  // sample i covers [origin + i * pitch, ... + pitch)
};

std::vector<double> weights_at(const Line& in, double centre, double footprint, Filter filter) {
  std::vector<double> weights(static_cast<std::size_t>(in.count));
  double sum = 0, nearest = 1e30;
  std::size_t nearest_index = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double begin = in.origin + static_cast<double>(i) * in.pitch, middle = begin + in.pitch / 2;
    if (filter == Filter::box || filter == Filter::nearest)
      weights[i] =
          std::max(0.0, std::min(begin + in.pitch, centre + footprint / 2) - std::max(begin, centre - footprint / 2));
    else
      weights[i] = definition(filter, (middle - centre) / std::max(in.pitch, footprint));
    if (std::abs(middle - centre) < nearest - 1e-9 || (std::abs(middle - centre) < nearest + 1e-9 && middle > centre))
      nearest = std::abs(middle - centre), nearest_index = i;
    sum += weights[i];
  }
  if (filter == Filter::nearest) std::fill(weights.begin(), weights.end(), 0.0), weights[nearest_index] = sum = 1;
  for (double& w : weights) w /= sum;
  return weights;
}

struct Axis {
  Line in;
  int extent, scaled, offset, out_count;
  double out_pitch;
  std::vector<double> weights(int i, Filter filter) const {
    const double zoom = static_cast<double>(extent) / scaled;
    return weights_at(in, ((i + 0.5) * out_pitch + offset) * zoom, out_pitch * zoom, filter);
  }
};

// Along x; turning the plane makes it along y.
ReferencePlane along_x(const ReferencePlane& plane, const Axis& axis, Filter filter) {
  ReferencePlane out{axis.out_count, plane.height, plane.channels, {}};
  out.samples.resize(static_cast<std::size_t>(out.width * out.height * out.channels));
  for (int x = 0; x < out.width; ++x) {
    const auto weights = axis.weights(x, filter);
    for (int i = 0; i < plane.width; ++i) {
      const double w = weights[static_cast<std::size_t>(i)];
      if (w == 0) continue;
      for (int y = 0; y < plane.height; ++y)
        for (int c = 0; c < plane.channels; ++c) out.at(x, y, c) += w * plane.at(i, y, c);
    }
  }
  return out;
}

ReferencePlane transposed(const ReferencePlane& plane) {
  ReferencePlane out{plane.height, plane.width, plane.channels, plane.samples};
  for (int y = 0; y < plane.height; ++y)
    for (int x = 0; x < plane.width; ++x)
      for (int c = 0; c < plane.channels; ++c) out.at(y, x, c) = plane.at(x, y, c);
  return out;
}

double top_of(Depth depth) { return depth == Depth::u8 ? 255 : depth == Depth::u16 ? 65535 : 1; }

template <class Byte>
double sample_of(const BasicView<Byte>& view, int plane, int x, int y, int c) {
  const int i = x * view.format.channels() + c;
  if (view.format.depth == Depth::u8) return view.plane(plane).template row<std::uint8_t>(y)[i];
  if (view.format.depth == Depth::u16) return view.plane(plane).template row<std::uint16_t>(y)[i];
  return static_cast<double>(view.plane(plane).template row<float>(y)[i]);
}

// A copy of `region` with memory of its own, so that a read beside it is a read of nothing.
struct Copy {
  Scratch scratch;
  View view;
  Copy(const OwnedImage& image, const Region& region) {
    const MutableView target = scratch.take_view(image.info(), region);
    copy_pixels(image.info(), image.view(), target);
    view = target;
  }
};

void require_same(const ImageInfo& info, const View& part, const View& whole) {
  const View expected = sub_view(info, whole, part.region);
  for (int p = 0; p < info.format.planes(); ++p) {
    const auto &a = part.plane(p), &b = expected.plane(p);
    REQUIRE(a.width == b.width);
    REQUIRE(a.height == b.height);
    for (int y = 0; y < a.height; ++y)
      REQUIRE(std::memcmp(a.row<std::byte>(y), b.row<std::byte>(y),
                          static_cast<std::size_t>(a.width * info.format.pixel_bytes())) == 0);
  }
}

}  // namespace

ReferencePlane reference_plane(const ImageInfo& info, const View& view, int plane) {
  const auto& p = view.plane(plane);
  ReferencePlane out{p.width, p.height, info.format.channels(), {}};
  for (int y = 0; y < p.height; ++y)
    for (int x = 0; x < p.width; ++x)
      for (int c = 0; c < out.channels; ++c) out.samples.push_back(sample_of(view, plane, x, y, c));
  return out;
}

ReferencePlane reference_resample(const ImageInfo& in, const ReferencePlane& plane, int index,
                                  const ResampleTarget& target, Filter filter) {
  const ImageInfo out_info = resampled_info(in, target);
  const Grid &a = in.grid[static_cast<std::size_t>(index)], &b = out_info.grid[static_cast<std::size_t>(index)];
  const int out_width = static_cast<int>(std::ceil((out_info.width - b.phase_x) / std::ldexp(1.0, b.log2_x)));
  const int out_height = static_cast<int>(std::ceil((out_info.height - b.phase_y) / std::ldexp(1.0, b.log2_y)));
  const Axis x{{plane.width, static_cast<double>(a.phase_x), std::ldexp(1.0, a.log2_x)},
               in.width,
               target.width,
               target.window.x0 + b.phase_x,
               out_width,
               std::ldexp(1.0, b.log2_x)};
  const Axis y{{plane.height, static_cast<double>(a.phase_y), std::ldexp(1.0, a.log2_y)},
               in.height,
               target.height,
               target.window.y0 + b.phase_y,
               out_height,
               std::ldexp(1.0, b.log2_y)};
  const bool weigh = in.format.alpha && filter != Filter::nearest;
  const int alpha = plane.channels - 1;
  const double top = top_of(in.format.depth);
  ReferencePlane weighted = plane;
  if (weigh)
    for (std::size_t i = 0; i < plane.samples.size(); i += static_cast<std::size_t>(plane.channels))
      for (int c = 0; c < alpha; ++c)
        weighted.samples[i + static_cast<std::size_t>(c)] *= plane.samples[i + static_cast<std::size_t>(alpha)] / top;
  ReferencePlane out = transposed(along_x(transposed(along_x(weighted, x, filter)), y, filter));
  for (std::size_t i = 0; weigh && i < out.samples.size(); i += static_cast<std::size_t>(out.channels)) {
    double& a_out = out.samples[i + static_cast<std::size_t>(alpha)];
    const bool visible = in.format.depth == Depth::f32 ? a_out * 65535 >= 0.5 : a_out >= 0.5;
    for (int c = 0; c < alpha; ++c) {
      double& color = out.samples[i + static_cast<std::size_t>(c)];
      color = visible ? color / a_out * top : 0;
    }
    a_out = visible ? std::clamp(a_out, 0.0, top) : 0;
  }
  if (in.format.depth != Depth::f32)
    for (double& v : out.samples) v = std::clamp(v, 0.0, top);
  return out;
}

NaiveImage reference_resize(const NaiveImage& image, int width, int height, Filter filter) {
  const ImageInfo info = image_info(image.width, image.height, image.format);
  const ReferencePlane plane{image.width, image.height, image.channels(), image.samples};
  NaiveImage out = make_naive(width, height, image.format);
  out.samples = reference_resample(info, plane, 0, {width, height, {0, 0, width, height}}, filter).samples;
  return out;
}

double worst_difference(const ReferencePlane& expected, const ReferencePlane& actual) {
  REQUIRE(expected.width == actual.width);
  REQUIRE(expected.height == actual.height);
  double worst = 0;
  for (std::size_t i = 0; i < expected.samples.size(); ++i)
    worst = std::max(worst, std::abs(expected.samples[i] - actual.samples[i]));
  return worst;
}

OwnedImage run_operation(const Operation& operation, const OwnedImage& input) {
  OwnedImage out(operation.output());
  REQUIRE(valid(out.info()));
  const Copy part(input, operation.required_input(out.info().bounds()));
  Scratch scratch;
  operation.apply(part.view, out.view(), scratch);
  return out;
}

void check_tilings(const Operation& operation, const OwnedImage& input, std::mt19937& random) {
  const OwnedImage whole = run_operation(operation, input);
  const ImageInfo& info = whole.info();
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (int i = 0; i < 12; ++i) {
    const bool band = i >= 8;
    const int x0 = band ? 0 : pick(0, info.width - 1), y0 = pick(0, info.height - 1);
    const Region region{x0, y0, band ? info.width : pick(x0 + 1, info.width), pick(y0 + 1, info.height)};
    INFO(fmt::format("seed {}: region {},{} .. {},{}", test_seed(), region.x0, region.y0, region.x1, region.y1));
    const Region need = operation.required_input(region);
    REQUIRE(!need.empty());
    REQUIRE(input.info().bounds().contains(need));
    const Copy part(input, need);
    Scratch scratch;
    const MutableView tile = scratch.take_view(info, region);
    operation.apply(part.view, tile, scratch);
    require_same(info, tile, whole.view());
  }
}

OwnedImage noise_image(const ImageInfo& info, std::mt19937& random) {
  OwnedImage image(info);
  for (int p = 0; p < info.format.planes(); ++p) {
    const auto plane = image.view().plane(p);
    for (int y = 0; y < plane.height; ++y)
      for (int i = 0; i < plane.width * info.format.channels(); ++i) {
        const auto bits = static_cast<std::uint32_t>(random());
        if (info.format.depth == Depth::u8) plane.row<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(bits);
        if (info.format.depth == Depth::u16) plane.row<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(bits);
        if (info.format.depth == Depth::f32) plane.row<float>(y)[i] = static_cast<float>(bits >> 8) / 16777215.0F;
      }
  }
  return image;
}

ImageInfo image_info(int width, int height, PixelFormat format) { return {width, height, format, {}, 0}; }

ImageInfo planar_info(int width, int height, int scale, int chroma_x, int chroma_y) {
  const auto log2 = [](int v) { return static_cast<std::uint8_t>(v); };
  const Grid luma{log2(scale), log2(scale), 0, 0}, chroma{log2(scale + chroma_x), log2(scale + chroma_y), 0, 0};
  return {width, height, {Model::ycbcr_planar, Depth::u8, false}, {luma, chroma, chroma, Grid{}}, 0};
}

}  // namespace tessera::tests
