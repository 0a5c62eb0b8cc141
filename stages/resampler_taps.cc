#include "stages/resampler_taps.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string>
#include <utility>

namespace tessera::stages {
namespace {

constexpr std::array<std::string_view, 6> kFilterNames{"nearest",     "box",      "triangle",
                                                       "catmull-rom", "mitchell", "lanczos3"};
constexpr int kMaxShortShift = 22;
constexpr int kWideShift = 28;
// Windows of more taps are rounded by their running sum: rounded one by one, what is missing would outgrow 16 bits.
constexpr std::int32_t kLongWindow = 1024;

// Mitchell and Netravali, "Reconstruction Filters in Computer Graphics", 1988.
double cubic(double x, double b, double c) {
  x = std::abs(x);
  if (x < 1) return ((12 - 9 * b - 6 * c) * x * x * x + (-18 + 12 * b + 6 * c) * x * x + (6 - 2 * b)) / 6;
  if (x < 2)
    return ((-b - 6 * c) * x * x * x + (6 * b + 30 * c) * x * x + (-12 * b - 48 * c) * x + (8 * b + 24 * c)) / 6;
  return 0;
}

double support_of(Filter filter) {
  switch (filter) {
    case Filter::triangle:
      return 1;
    case Filter::catmull_rom:
    case Filter::mitchell:
      return 2;
    default:
      return 3;
  }
}

double kernel(Filter filter, double x) {
  switch (filter) {
    case Filter::triangle:
      return std::max(0.0, 1 - std::abs(x));
    case Filter::catmull_rom:
      return cubic(x, 0, 0.5);
    default:
      return cubic(x, 1.0 / 3, 1.0 / 3);
  }
}

// sinc(x) sinc(x / 3) at `count` places from x, `step` apart. sin(pi x) follows from s = sin(pi x / 3) as 3s - 4s^3,
// and each s from the one before by a rotation: three sines for a window instead of two for a weight.
void lanczos3(double x, double step, std::int32_t count, std::vector<double>& weights) {
  constexpr double kThird = std::numbers::pi / 3;
  double s = std::sin(kThird * x), c = std::cos(kThird * x);
  const double turn_s = std::sin(kThird * step), turn_c = std::cos(kThird * step);
  for (std::int32_t k = 0; k < count; ++k) {
    const double at = x + k * step, square = std::numbers::pi * std::numbers::pi * at * at;
    weights.push_back(std::abs(at) >= 3     ? 0
                      : std::abs(at) < 1e-4 ? 1 - square * 5 / 27  // both series; the quotient would lose digits
                                            : 3 * (3 - 4 * s * s) * s * s / square);
    const double next = s * turn_c + c * turn_s;
    c = c * turn_c - s * turn_s;
    s = next;
  }
}

struct Window {
  std::int32_t first = 0;
  std::vector<double> weights;
};

// The weights of one output sample, clipped to the image, before normalisation.
Window window_at(const ResampleAxis& axis, Filter filter, std::int32_t i) {
  const double centre = axis.centre(i), step = axis.step();
  const double scale = filter == Filter::box ? step : std::max(1.0, step);
  const double reach = filter == Filter::box ? scale / 2 : support_of(filter) * scale;
  const double last_sample = axis.in_samples - 1;
  const auto begin = static_cast<std::int32_t>(std::clamp(std::floor(centre - reach), 0.0, last_sample));
  const auto end = static_cast<std::int32_t>(std::clamp(std::ceil(centre + reach), begin + 1.0, last_sample + 1));
  Window window{begin, {}};
  window.weights.reserve(static_cast<std::size_t>(end - begin));
  if (filter == Filter::lanczos3) {
    lanczos3((begin + 0.5 - centre) / scale, 1 / scale, end - begin, window.weights);
    return window;
  }
  for (std::int32_t k = begin; k < end; ++k)
    window.weights.push_back(filter == Filter::box
                                 ? std::min(k + 1.0, centre + reach) - std::max<double>(k, centre - reach)
                                 : kernel(filter, (k + 0.5 - centre) / scale));
  return window;
}

// Drops what is nothing but rounding of sin() at its zeros, and makes the sum 1.
void normalise(Window& window) {
  const auto nothing = [](double w) { return std::abs(w) < 1e-9; };
  while (window.weights.size() > 1 && nothing(window.weights.back())) window.weights.pop_back();
  auto kept = std::find_if_not(window.weights.begin(), window.weights.end() - 1, nothing);
  window.first += static_cast<std::int32_t>(kept - window.weights.begin());
  window.weights.erase(window.weights.begin(), kept);
  double sum = 0;
  for (const double w : window.weights) sum += w;
  // A padded edge sample may lie wholly beyond a footprint that ends at the image's edge.
  if (sum <= 1e-9) window.weights.assign(1, sum = 1);
  for (double& w : window.weights) w /= sum;
}

template <class Weight>
Taps<Weight> empty_like(const Taps<double>& real, int shift) {
  return {real.first, real.count, std::vector<Weight>(real.weights.size()), real.stride, shift};
}

// Rounds every weight and gives what is missing to the largest, so that flat areas stay exactly flat. Of long windows
// the running sum is rounded: every weight is then within one unit.
template <class Weight>
Taps<Weight> quantise(const Taps<double>& real, int shift) {
  Taps<Weight> taps = empty_like<Weight>(real, shift);
  const double one = std::ldexp(1.0, shift);
  for (std::size_t i = 0; i < real.first.size(); ++i) {
    const double* from = real.of(static_cast<std::int32_t>(i));
    Weight* to = taps.weights.data() + i * static_cast<std::size_t>(real.stride);
    if (real.stride > kLongWindow) {
      double sum = 0;
      std::int64_t given = 0;
      for (std::int32_t k = 0; k < real.count[i]; ++k) {
        const std::int64_t upto =
            k + 1 == real.count[i] ? std::int64_t{1} << shift : std::llround((sum += from[k]) * one);
        to[k] = static_cast<Weight>(upto - std::exchange(given, upto));
      }
      continue;
    }
    std::int64_t missing = std::int64_t{1} << shift;
    std::int32_t largest = 0;
    for (std::int32_t k = 0; k < real.count[i]; ++k) {
      to[k] = static_cast<Weight>(std::lround(from[k] * one));
      missing -= to[k];
      if (to[k] > to[largest]) largest = k;
    }
    to[largest] = static_cast<Weight>(to[largest] + missing);
  }
  return taps;
}

// Of all windows: the largest weight and the largest sum of magnitudes over an aligned block.
struct Extremes {
  double weight = 0, block = 0;
};
Extremes extremes_of(const Taps<double>& taps, std::int32_t block) {
  Extremes found;
  for (std::size_t i = 0; i < taps.first.size(); ++i) {
    const double* w = taps.of(static_cast<std::int32_t>(i));
    double sum = 0;
    for (std::int32_t k = 0; k < taps.count[i]; ++k) {
      sum = (k % block == 0 ? 0 : sum) + std::abs(w[k]);
      found.weight = std::max(found.weight, std::abs(w[k]));
      found.block = std::max(found.block, sum);
    }
  }
  return found;
}

}  // namespace

std::span<const std::string_view> filter_names() { return kFilterNames; }

Filter filter_from_name(std::string_view name) {
  const auto found = std::ranges::find(kFilterNames, name);
  if (found == kFilterNames.end())
    throw std::invalid_argument("'" + std::string(name) + "' is not a resampling filter");
  return static_cast<Filter>(found - kFilterNames.begin());
}

double ResampleAxis::centre(std::int32_t i) const {
  const double pixel = std::ldexp(i + 0.5, out_log2) + offset;
  return std::ldexp(pixel * in_extent / scaled_extent - in_phase, -in_log2);
}

double ResampleAxis::step() const {
  return std::ldexp(static_cast<double>(in_extent) / scaled_extent, out_log2 - in_log2);
}

Taps<double> real_taps(const ResampleAxis& axis, Filter filter) {
  assert(filter != Filter::nearest);
  std::vector<Window> windows;
  windows.reserve(static_cast<std::size_t>(axis.out_samples));
  std::size_t longest = 0;
  for (std::int32_t i = 0; i < axis.out_samples; ++i) {
    windows.push_back(window_at(axis, filter, i));
    normalise(windows.back());
    longest = std::max(longest, windows.back().weights.size());
  }
  Taps<double> taps;
  taps.stride = static_cast<std::int32_t>(longest <= 8 ? 8 : (longest + 15) / 16 * 16);
  taps.weights.resize(windows.size() * static_cast<std::size_t>(taps.stride));
  for (std::size_t i = 0; i < windows.size(); ++i) {
    taps.first.push_back(windows[i].first);
    taps.count.push_back(static_cast<std::int32_t>(windows[i].weights.size()));
    std::ranges::copy(windows[i].weights, taps.weights.begin() + static_cast<std::ptrdiff_t>(i) * taps.stride);
  }
  return taps;
}

std::vector<std::int32_t> nearest_samples(const ResampleAxis& axis) {
  std::vector<std::int32_t> samples;
  for (std::int32_t i = 0; i < axis.out_samples; ++i) {
    // Twice the centre in output pixels, so that it is whole; then floor((centre * in / scaled - phase) / 2^log2).
    const std::int64_t centre2 = ((std::int64_t{2} * i + 1) << axis.out_log2) + std::int64_t{2} * axis.offset;
    const std::int64_t scaled2 = std::int64_t{2} * axis.scaled_extent;
    const std::int64_t sample = (centre2 * axis.in_extent - axis.in_phase * scaled2) / (scaled2 << axis.in_log2);
    samples.push_back(static_cast<std::int32_t>(std::clamp<std::int64_t>(sample, 0, axis.in_samples - 1)));
  }
  return samples;
}

Reach reach_of(const Taps<double>& taps, const Reach& input) {
  Reach reach{0, 0};
  for (std::size_t i = 0; i < taps.first.size(); ++i) {
    const double* w = taps.of(static_cast<std::int32_t>(i));
    double positive = 0, negative = 0;
    for (std::int32_t k = 0; k < taps.count[i]; ++k) (w[k] > 0 ? positive : negative) += std::abs(w[k]);
    reach.high = std::max(reach.high, positive * input.high + negative * input.low);
    reach.low = std::max(reach.low, negative * input.high + positive * input.low);
  }
  return reach;
}

Taps<std::int16_t> short_taps(const Taps<double>& real, double largest_sample, std::int32_t block) {
  const Extremes extremes = extremes_of(real, block);
  // Rounding may add half a unit to each weight, and all that is missing to the largest one; or one unit to each.
  const bool is_long = real.stride > kLongWindow;
  const double slack = is_long ? 1 : real.stride, block_slack = is_long ? block : real.stride;
  int shift = kMaxShortShift;
  const auto fits = [&] {
    return std::ldexp(extremes.weight, shift) + slack <= std::numeric_limits<std::int16_t>::max() &&
           (std::ldexp(extremes.block, shift) + block_slack) * largest_sample + std::ldexp(1.0, shift) <
               std::numeric_limits<std::int32_t>::max();
  };
  while (shift > 0 && !fits()) --shift;
  return quantise<std::int16_t>(real, shift);
}

Taps<std::int32_t> wide_taps(const Taps<double>& real) { return quantise<std::int32_t>(real, kWideShift); }

Taps<float> float_taps(const Taps<double>& real) {
  Taps<float> taps = empty_like<float>(real, 0);
  std::ranges::transform(real.weights, taps.weights.begin(), [](double w) { return static_cast<float>(w); });
  return taps;
}

}  // namespace tessera::stages
