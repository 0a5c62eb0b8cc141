// What may be said of a few noisy measurements. Pure; whatever draws random numbers is given its generator.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace tessera::pipeline {

using Random = std::mt19937_64;

/// sigma: standard deviation of the sample (n - 1; 0 for n = 1). low, high: 95 % bootstrap interval of the median
/// (percentile method, 2,000 resamples).
struct Summary {
  std::size_t n = 0;
  double median = 0, mean = 0, sigma = 0, min = 0, max = 0, low = 0, high = 0;
};
/// Of at least one value.
Summary summarise(std::span<const double>, Random&);
double median_of(std::vector<double>);

/// Median of `a` divided by that of `b`, with a 95 % bootstrap interval.
struct Ratio {
  double ratio = 1, low = 1, high = 1;
};
Ratio ratio_of_medians(std::span<const double> a, std::span<const double> b, Random&);

/// Two-sided p of the Mann-Whitney rank test: exact (ties by mid-ranks: the permutation distribution of the rank sum)
/// up to 20 values in each sample, beyond that by the normal approximation with correction for ties and continuity.
double rank_test(std::span<const double> a, std::span<const double> b);

/// Holm's correction: p values of one family as they count when all are looked at together; same order, at most 1.
std::vector<double> holm(std::span<const double> p);

/// The fewest runs of each of two configurations with which the rank test, corrected for `pairs` comparisons, can find
/// anything significant at `alpha`.
std::size_t runs_needed(std::size_t pairs, double alpha);

/// Amdahl's serial fraction s of time(n) / time(1) = s + (1 - s) / n, least squares over (n, speedup), clamped to
/// [0, 1]. Needs a point with n > 1.
double serial_fraction(std::span<const std::pair<double, double>> speedups);

}  // namespace tessera::pipeline
