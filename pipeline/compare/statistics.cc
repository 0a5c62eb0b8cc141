#include "pipeline/compare/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <tuple>

namespace tessera::pipeline {
namespace {

constexpr std::size_t kResamples = 2000;
constexpr std::size_t kCutOff = kResamples / 40;  // 2.5 % at each end
constexpr std::size_t kExactUpTo = 20;

double median_in_place(std::vector<double>& values) {
  assert(!values.empty());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

double resampled_median(std::span<const double> values, std::vector<double>& room, Random& random) {
  std::uniform_int_distribution<std::size_t> any(0, values.size() - 1);
  room.resize(values.size());
  for (double& value : room) value = values[any(random)];
  return median_in_place(room);
}

/// The middle 95 % of what `draw` gives.
template <typename Draw>
std::pair<double, double> interval(Draw draw) {
  std::vector<double> drawn(kResamples);
  for (double& value : drawn) value = draw();
  std::sort(drawn.begin(), drawn.end());
  return {drawn[kCutOff - 1], drawn[kResamples - kCutOff]};
}

struct Ranks {
  std::vector<std::uint32_t> doubled;  // mid-ranks times two, so whole numbers; those of `a` first
  double ties = 0;                     // sum of t^3 - t over groups of t equal values
};

Ranks rank(std::span<const double> a, std::span<const double> b) {
  std::vector<double> values(a.begin(), a.end());
  values.insert(values.end(), b.begin(), b.end());
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
  Ranks ranks{.doubled = std::vector<std::uint32_t>(values.size())};
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first + 1;
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    for (std::size_t i = first; i < last; ++i) ranks.doubled[order[i]] = static_cast<std::uint32_t>(first + 1 + last);
    const auto t = static_cast<double>(last - first);
    ranks.ties += t * t * t - t;
    first = last;
  }
  return ranks;
}

/// Of all ways to choose `n` of the ranks, the part whose sum is at least as far from the mean as `distance`.
double exact_p(const Ranks& ranks, std::size_t n, std::int64_t mean, std::int64_t distance) {
  const std::size_t top = std::accumulate(ranks.doubled.begin(), ranks.doubled.end(), std::size_t{0});
  // ways[k][s]: of choosing k with the sum s. At most C(40, 20) < 2^53: exact in a double.
  std::vector<std::vector<double>> ways(n + 1, std::vector<double>(top + 1));
  ways[0][0] = 1;
  for (const std::uint32_t r : ranks.doubled)
    for (std::size_t k = n; k > 0; --k)
      for (std::size_t s = top; s >= r; --s) ways[k][s] += ways[k - 1][s - r];
  double all = 0, as_far = 0;
  for (std::size_t s = 0; s <= top; ++s) {
    all += ways[n][s];
    if (std::abs(static_cast<std::int64_t>(s) - mean) >= distance) as_far += ways[n][s];
  }
  return as_far / all;
}

}  // namespace

double median_of(std::vector<double> values) { return median_in_place(values); }

Summary summarise(std::span<const double> values, Random& random) {
  assert(!values.empty());
  Summary s{.n = values.size(), .median = median_of({values.begin(), values.end()})};
  const auto n = static_cast<double>(s.n);
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  s.min = *min;
  s.max = *max;
  s.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - s.mean) * (value - s.mean);
  s.sigma = s.n > 1 ? std::sqrt(squares / (n - 1)) : 0;
  std::vector<double> room;
  std::tie(s.low, s.high) = interval([&] { return resampled_median(values, room, random); });
  return s;
}

Ratio ratio_of_medians(std::span<const double> a, std::span<const double> b, Random& random) {
  Ratio r{.ratio = median_of({a.begin(), a.end()}) / median_of({b.begin(), b.end()})};
  std::vector<double> room;
  std::tie(r.low, r.high) = interval([&] {
    const double above = resampled_median(a, room, random);
    return above / resampled_median(b, room, random);
  });
  return r;
}

double rank_test(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return 1;
  const Ranks ranks = rank(a, b);
  const std::size_t together = a.size() + b.size();
  const auto mean = static_cast<std::int64_t>(a.size() * (together + 1));  // of the doubled rank sum
  const auto sum = std::accumulate(ranks.doubled.begin(), ranks.doubled.begin() + std::ssize(a), std::int64_t{0});
  const std::int64_t distance = std::abs(sum - mean);
  if (a.size() <= kExactUpTo && b.size() <= kExactUpTo) return exact_p(ranks, a.size(), mean, distance);
  const auto n = static_cast<double>(together);
  const double variance =
      static_cast<double>(a.size()) * static_cast<double>(b.size()) / 12 * (n + 1 - ranks.ties / (n * (n - 1)));
  if (variance <= 0) return 1;  // all values are equal
  const double z = std::max(0.0, static_cast<double>(distance) / 2 - 0.5) / std::sqrt(variance);
  return std::erfc(z / std::sqrt(2.0));
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return p[i] < p[j]; });
  std::vector<double> adjusted(p.size());
  double highest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    highest = std::max(highest, std::min(1.0, p[order[i]] * static_cast<double>(p.size() - i)));
    adjusted[order[i]] = highest;
  }
  return adjusted;
}

std::size_t runs_needed(std::size_t pairs, double alpha) {
  assert(alpha > 0);
  // Two samples of n that do not overlap are the clearest case there is: p = 2 / C(2n, n).
  double choices = 2;
  std::size_t n = 1;
  while (2 / choices * static_cast<double>(pairs) > alpha) {
    ++n;
    const auto k = static_cast<double>(n);
    choices *= 2 * (2 * k - 1) / k;
  }
  return n;
}

double serial_fraction(std::span<const std::pair<double, double>> speedups) {
  // 1 / speedup - 1 / n = s (1 - 1 / n): a line through the origin.
  double xy = 0, xx = 0;
  for (const auto& [n, speedup] : speedups) {
    const double x = 1 - 1 / n;
    xy += x * (1 / speedup - 1 / n);
    xx += x * x;
  }
  assert(xx > 0);
  return std::clamp(xy / xx, 0.0, 1.0);
}

}  // namespace tessera::pipeline
