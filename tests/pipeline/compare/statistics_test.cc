#include "pipeline/compare/statistics.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

namespace tessera::pipeline {
namespace {

using Sample = std::vector<double>;

constexpr std::uint64_t kSeed = 20240607;  // of all simulations here: they give the same figures each time

Sample lognormal(std::size_t n, double scale, Random& random) {
  std::lognormal_distribution<double> noise(0, 0.05);
  Sample values(n);
  for (double& value : values) value = scale * noise(random);
  return values;
}

/// How often `a` beats `b`, ties as a half: the U statistic, with no ranks in it.
double wins(const Sample& a, const Sample& b) {
  double u = 0;
  for (const double x : a)
    for (const double y : b) u += x > y ? 1 : x == y ? 0.5 : 0;
  return u;
}

/// The rank test by its definition: every way to deal the values out to two samples of these sizes.
double brute_force(const Sample& a, const Sample& b) {
  Sample all(a);
  all.insert(all.end(), b.begin(), b.end());
  const double middle = static_cast<double>(a.size() * b.size()) / 2;
  const double distance = std::abs(wins(a, b) - middle);
  int ways = 0, as_far = 0;
  for (unsigned chosen = 0; chosen < 1U << all.size(); ++chosen) {
    if (static_cast<std::size_t>(__builtin_popcount(chosen)) != a.size()) continue;
    Sample one, other;
    for (std::size_t i = 0; i < all.size(); ++i) ((chosen >> i & 1U) != 0 ? one : other).push_back(all[i]);
    ++ways;
    if (std::abs(wins(one, other) - middle) >= distance - 1e-9) ++as_far;
  }
  return static_cast<double>(as_far) / ways;
}

TEST_CASE("the rank test gives the p values that scipy gives") {
  struct Row {
    Sample a, b;
    double p;
  };
  // scipy 1.10.1: the first four by stats.mannwhitneyu(a, b, alternative="two-sided", method="exact"), the two with
  // ties by stats.permutation_test over all permutations of |rank sum - its mean|, the two with more than 20 values by
  // mannwhitneyu(..., method="asymptotic").
  const std::vector<Row> rows{
      {{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}, 0.007936507936507936},
      {{3.1, 2.9, 3.4, 3, 3.3, 3.6, 2.8}, {3.2, 3.5, 3.7, 3.9, 3.45, 4.1, 3.05}, 0.05303030303030303},
      {{0.91, 1.24, 1.1}, {1.3, 1.6, 1.05, 1.7, 1.8, 1.65, 2.2, 1.95}, 0.048484848484848485},
      {{0.878, 0.966, 1.395, 1.141, 0.72,  0.999, 0.883, 1.03,  0.725, 1.05,
        1.048, 1.37,  1.065, 1.108, 0.742, 1.569, 0.682, 1.247, 0.936, 0.839},
       {1.019, 1.016, 1.254, 1.137, 1.563, 0.806, 1.161, 0.972, 1.357, 0.761,
        1.085, 1.212, 0.863, 1.415, 1.204, 1.421, 1.408, 0.955, 0.99,  1.116},
       0.10216094995318284},
      {{1, 2, 2, 3}, {2, 3, 3, 4, 5}, 0.1111111111111111},
      {{1, 1, 1, 2}, {1, 2, 2, 2}, 0.4857142857142857},
      {{1.2, 1.2, 0.9, 0.9, 0.9, 0.9, 1, 1,   1.5, 0.9, 0.9, 1.1, 0.8,
        0.9, 1,   1.2, 0.8, 1.3, 0.9, 1, 1.2, 1.1, 1.2, 1,   1},
       {1.2, 1, 1.5, 1, 0.9, 1.8, 1.1, 0.9, 1.7, 1.1, 1.4, 1, 1.1, 0.8, 0.8, 1, 1.1, 1.4, 1.9, 0.9, 1.4, 1},
       0.13238616096897315},
      {{0.97,  0.744, 0.744, 0.856, 0.788, 0.999, 0.869, 1.284, 1.031, 1.034, 1.255,
        1.109, 0.993, 0.982, 0.976, 1.24,  1.17,  1.076, 1.173, 0.897, 1.108},
       {0.876, 1.521, 1.183},
       0.2947889903913763}};
  for (const Row& row : rows) {
    CHECK(rank_test(row.a, row.b) == Approx(row.p).epsilon(1e-12));
    CHECK(rank_test(row.b, row.a) == Approx(row.p).epsilon(1e-12));
  }
}

TEST_CASE("the rank test is the share of all permutations that are at least as far apart, ties or not") {
  Random random(kSeed);
  std::uniform_int_distribution<std::size_t> size(1, 6);
  std::uniform_int_distribution<int> value(1, 9);
  for (int round = 0; round < 150; ++round) {
    Sample a(size(random)), b(size(random));
    for (Sample* sample : {&a, &b})
      for (double& x : *sample) x = round % 2 == 0 ? value(random) : value(random) + 1e-3 * value(random);
    INFO("round " << round);
    CHECK(rank_test(a, b) == Approx(brute_force(a, b)).epsilon(1e-12));
  }
}

TEST_CASE("equal values alone are no difference, and order is all that the rank test looks at") {
  for (const std::size_t n : {1U, 5U, 20U, 21U, 40U}) CHECK(rank_test(Sample(n, 2.5), Sample(n, 2.5)) == 1);
  Random random(kSeed);
  for (const std::size_t n : {6U, 25U}) {
    const Sample a = lognormal(n, 1, random), b = lognormal(n, 1.05, random);
    Sample c(a), d(b);
    for (Sample* sample : {&c, &d})
      for (double& x : *sample) x = std::exp(7 * x);
    CHECK(rank_test(a, b) == rank_test(c, d));
    CHECK(rank_test(a, b) == rank_test(b, a));
    CHECK(rank_test(a, b) < 1);
  }
}

TEST_CASE("the same thing measured twice is called different about as often as the level says, not more") {
  Random random(kSeed);
  constexpr int kPairs = 2000;
  constexpr double kLevel = 0.01;
  int significant = 0;
  for (int i = 0; i < kPairs; ++i)
    significant += rank_test(lognormal(8, 3, random), lognormal(8, 3, random)) <= kLevel ? 1 : 0;
  CHECK(significant <= kPairs * kLevel + 3 * std::sqrt(kPairs * kLevel * (1 - kLevel)));
  CHECK(significant >= 1);
}

TEST_CASE("what is a tenth slower is found with eight runs") {
  Random random(kSeed);
  int found = 0;
  for (int i = 0; i < 200; ++i) found += rank_test(lognormal(8, 1, random), lognormal(8, 1.1, random)) <= 0.05 ? 1 : 0;
  CHECK(found > 150);
}

TEST_CASE("Holm's correction multiplies the least p by all, the next by one fewer, and never reorders") {
  // R 4: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") = 0.03 0.06 0.06 0.02
  const std::vector<double> adjusted = holm(Sample{0.01, 0.04, 0.03, 0.005});
  const Sample expected{0.03, 0.06, 0.06, 0.02};
  REQUIRE(adjusted.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(adjusted[i] == Approx(expected[i]));
  CHECK(holm(Sample{0.6, 0.7}) == Sample{1, 1});
  CHECK(holm(Sample{0.02}) == Sample{0.02});
  CHECK(holm({}).empty());
}

TEST_CASE("a summary says middle, spread and ends") {
  Random random(kSeed);
  const Summary s = summarise(Sample{4, 1, 3, 2}, random);
  CHECK(s.n == 4);
  CHECK(s.median == 2.5);
  CHECK(s.mean == 2.5);
  CHECK(s.sigma == Approx(std::sqrt(5.0 / 3)));
  CHECK(s.min == 1);
  CHECK(s.max == 4);
  CHECK(s.low >= s.min);
  CHECK(s.low < s.median);
  CHECK(s.high > s.median);
  CHECK(s.high <= s.max);
  const Summary one = summarise(Sample{7}, random);
  CHECK(one.sigma == 0);
  CHECK((one.low == 7 && one.median == 7 && one.high == 7));
  CHECK(median_of({5, 1, 9}) == 5);
}

TEST_CASE("bootstrap intervals hold the true value in about 95 of 100 samples") {
  Random random(kSeed);
  int median_held = 0, ratio_held = 0;
  constexpr int kTrials = 400;
  for (int i = 0; i < kTrials; ++i) {
    const Sample a = lognormal(9, 3, random), b = lognormal(9, 2, random);
    const Summary s = summarise(a, random);
    median_held += s.low <= 3 && 3 <= s.high ? 1 : 0;
    const Ratio r = ratio_of_medians(a, b, random);
    ratio_held += r.low <= 1.5 && 1.5 <= r.high ? 1 : 0;
    REQUIRE(r.low <= r.ratio);
    REQUIRE(r.ratio <= r.high);
  }
  for (const int held : {median_held, ratio_held}) {
    CHECK(held > kTrials * 85 / 100);
    CHECK(held < kTrials * 99 / 100);
  }
}

TEST_CASE("the same seed gives the same intervals") {
  const Sample a{1, 1.1, 1.2, 1.15, 1.05, 1.3};
  Random one(5), other(5);
  const Summary s = summarise(a, one), t = summarise(a, other);
  CHECK(s.low == t.low);
  CHECK(s.high == t.high);
}

TEST_CASE("the runs needed are the fewest that the rank test itself can call different") {
  for (std::size_t pairs = 1; pairs <= 300; pairs += pairs < 50 ? 1 : 50) {
    INFO(pairs << " pairs");
    const std::size_t n = runs_needed(pairs, 0.01);
    const auto clearest = [&](std::size_t runs) {
      Sample a(runs), b(runs);
      std::iota(a.begin(), a.end(), 0.0);
      std::iota(b.begin(), b.end(), 100.0);
      return rank_test(a, b) * static_cast<double>(pairs);
    };
    CHECK(clearest(n) <= 0.01);
    CHECK(clearest(n - 1) > 0.01);
  }
  CHECK(runs_needed(1, 0.01) == 5);
  CHECK(runs_needed(45, 0.01) == 8);
  CHECK(runs_needed(0, 0.01) == 1);
}

TEST_CASE("Amdahl's serial fraction is found again in the speedups that it gives") {
  for (const double s : {0.0, 0.05, 0.3, 1.0}) {
    std::vector<std::pair<double, double>> speedups;
    for (const double n : {1.0, 2.0, 4.0, 8.0}) speedups.emplace_back(n, 1 / (s + (1 - s) / n));
    CHECK(serial_fraction(speedups) == Approx(s).margin(1e-12));
  }
  CHECK(serial_fraction(std::vector<std::pair<double, double>>{{2, 2.2}}) == 0);  // better than ideal
  CHECK(serial_fraction(std::vector<std::pair<double, double>>{{2, 0.8}}) == 1);  // worse than alone
}

}  // namespace
}  // namespace tessera::pipeline
