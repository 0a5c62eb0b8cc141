// The stages that measure the image first: their numbers in any split and order, and what they bind to.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "stages/luma.h"
#include "tests/stages/naive.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

bool visible(const NaiveImage& in, int x, int y) { return !in.format.alpha || in.at(x, y, in.channels() - 1) > 0; }

// Every colour sample of channel c (or of all, -1; or the luma, -2), sorted.
std::vector<double> sorted_samples(const NaiveImage& in, int channel) {
  std::vector<double> samples;
  for (int y = 0; y < in.height; ++y)
    for (int x = 0; x < in.width; ++x) {
      if (!visible(in, x, y)) continue;
      if (channel == -2 && in.format.model == Model::bgr)
        samples.push_back(luma(static_cast<std::uint16_t>(in.at(x, y, 0)), static_cast<std::uint16_t>(in.at(x, y, 1)),
                               static_cast<std::uint16_t>(in.at(x, y, 2))));
      else
        for (int c = 0; c < in.format.color_channels(); ++c)
          if (channel < 0 || c == channel) samples.push_back(in.at(x, y, c));
    }
  std::ranges::sort(samples);
  return samples;
}

template <class Curve>
void map_channel(NaiveImage& image, int c, Curve curve) {
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) image.at(x, y, c) = curve(image.at(x, y, c));
}

// (samples in (smallest, v]) / (samples above the smallest) * max
NaiveImage naive_equalize(const NaiveImage& in, bool each) {
  NaiveImage out = in;
  for (int c = 0; c < in.format.color_channels(); ++c) {
    const auto samples = sorted_samples(in, each ? c : -2);
    if (samples.empty() || samples.front() == samples.back()) continue;
    const auto above = std::ranges::upper_bound(samples, samples.front());
    map_channel(out, c, [&](double v) {
      const auto below = std::max(std::ranges::upper_bound(samples, v), above) - above;
      return static_cast<double>(below) / static_cast<double>(samples.end() - above) * in.max_value();
    });
  }
  return out;
}

NaiveImage naive_auto_levels(const NaiveImage& in, double low, double high, bool each) {
  NaiveImage out = in;
  for (int c = 0; c < in.format.color_channels(); ++c) {
    const auto samples = sorted_samples(in, each ? c : -1);
    if (samples.empty()) continue;
    const auto count = static_cast<double>(samples.size());
    const double black = samples[static_cast<std::size_t>(std::floor(low * count))];
    const double white = samples[samples.size() - 1 - static_cast<std::size_t>(std::floor(high * count))];
    if (white <= black) continue;
    map_channel(out, c, [&](double v) { return std::clamp((v - black) / (white - black), 0.0, 1.0) * in.max_value(); });
  }
  return out;
}

NaiveImage naive_white_balance(const NaiveImage& in, double max_gain) {
  NaiveImage out = in;
  if (in.format.model == Model::gray) return out;
  double sums[3] = {0, 0, 0};
  for (int c = 0; c < 3; ++c)
    for (const double v : sorted_samples(in, c)) sums[c] += v;
  const double gray = 0.114 * sums[0] + 0.587 * sums[1] + 0.299 * sums[2];
  for (int c = 0; c < 3; ++c) {
    const double gain = sums[c] > 0 ? std::clamp(gray / sums[c], 1 / max_gain, max_gain) : 1;
    map_channel(out, c, [&](double v) { return std::min(v * gain, in.max_value()); });
  }
  return out;
}

const std::vector<std::pair<int, int>> kSizes{{1, 1}, {3, 8}, {211, 140}};
const std::vector<Depth> kDepths{Depth::u8, Depth::u16};

}  // namespace

TEST_CASE("equalize spreads the counts whatever the split of the measurement", "[tone]") {
  check_stage({"equalize", {}, [](const NaiveImage& in) { return naive_equalize(in, false); }, 0.51, kDepths, kSizes});
  check_stage({"equalize",
               {{"", "each"}},
               [](const NaiveImage& in) { return naive_equalize(in, true); },
               0.51,
               kDepths,
               kSizes});
}

TEST_CASE("equalize of 8-bit gray is cv::equalizeHist", "[tone]") {
  std::mt19937 random(test_seed());
  for (int round = 0; round < 20; ++round) {
    const auto side = [&] { return std::uniform_int_distribution<int>(1, 300)(random); };
    OwnedImage in(random_image(random, side(), side(), {Model::gray, Depth::u8, false}));
    if (round == 0) in = OwnedImage(make_naive(9, 9, {Model::gray, Depth::u8, false}));  // one level only
    cv::Mat expected;
    cv::equalizeHist(in.view().mat(), expected);
    const OwnedImage out = run_stage(*make_stage("equalize", {}), in);
    INFO("seed " << test_seed() << " round " << round);
    REQUIRE(cv::norm(out.view().mat(), expected, cv::NORM_INF) == 0);
  }
}

TEST_CASE("auto-levels stretches between its clip points", "[tone]") {
  check_stage({"auto-levels",
               {{"", "1.3"}, {"clip-high", "2.7"}},
               [](const NaiveImage& in) { return naive_auto_levels(in, 0.013, 0.027, false); },
               0.500001,
               kDepths,
               kSizes});
  check_stage({"auto-levels",
               {{"clip-low", "0"}, {"clip-high", "5"}, {"channels", "each"}},
               [](const NaiveImage& in) { return naive_auto_levels(in, 0, 0.05, true); },
               0.500001,
               kDepths,
               kSizes});
  CHECK_THROWS_WITH(make_stage("auto-levels", {{"clip-low", "50"}, {"clip-high", "50"}}),
                    "auto-levels: clip-low and clip-high together must leave some tones");
}

TEST_CASE("white-balance makes the mean gray and keeps the mean luma", "[tone]") {
  check_stage({"white-balance",
               {},
               [](const NaiveImage& in) { return naive_white_balance(in, 4); },
               0.500001,
               kDepths,
               kSizes});
  check_stage({"white-balance",
               {{"max-gain", "1.1"}},
               [](const NaiveImage& in) { return naive_white_balance(in, 1.1); },
               0.500001,
               kDepths,
               {{60, 50}}});
  NaiveImage in = make_naive(64, 1, {Model::bgr, Depth::u16, false});
  for (int x = 0; x < 64; ++x) in.at(x, 0, 0) = 8000 + x, in.at(x, 0, 1) = 15000 + x, in.at(x, 0, 2) = 20000 + x;
  const NaiveImage out = run_stage(*make_stage("white-balance", {}), OwnedImage(in)).naive();
  double before = 0, after = 0, blue = 0, red = 0;
  for (int x = 0; x < 64; ++x) {
    before += 0.114 * in.at(x, 0, 0) + 0.587 * in.at(x, 0, 1) + 0.299 * in.at(x, 0, 2);
    after += 0.114 * out.at(x, 0, 0) + 0.587 * out.at(x, 0, 1) + 0.299 * out.at(x, 0, 2);
    blue += out.at(x, 0, 0), red += out.at(x, 0, 2);
  }
  CHECK(after == Approx(before).epsilon(1e-4));
  CHECK(blue == Approx(red).epsilon(1e-4));
}

TEST_CASE("a statistic of nothing binds to a stage that changes nothing", "[tone]") {
  std::mt19937 random(test_seed());
  for (const char* op : {"equalize", "auto-levels", "white-balance"})
    for (const Depth depth : kDepths)
      for (const bool alpha : {false, true}) {
        const OwnedImage in(random_image(random, 30, 20, {Model::bgr, depth, alpha}));
        const auto stage = make_stage(op, {});
        const std::vector<std::byte> zeroes(stage->reduction(in.info())->bytes());
        for (const ReadBytes statistic : {ReadBytes(zeroes), ReadBytes()}) {
          OwnedImage out(in.info());
          Scratch scratch;
          stage->bind(in.info(), {statistic})->apply(in.view(), out.view(), scratch);
          CHECK(out.naive().samples == in.naive().samples);
        }
      }
}

TEST_CASE("transparent pixels are not measured", "[tone]") {
  for (const char* op : {"equalize", "auto-levels", "white-balance"}) {
    NaiveImage in = make_naive(20, 1, {Model::bgr, Depth::u8, true}), other = in;
    for (int x = 0; x < 20; ++x)
      for (int c = 0; c < 4; ++c) {
        in.at(x, 0, c) = c == 3 ? (x < 10 ? 255 : 0) : 50 + 5 * x + 20 * c;
        other.at(x, 0, c) = c < 3 && x >= 10 ? 255 - in.at(x, 0, c) : in.at(x, 0, c);
      }
    const NaiveImage a = run_stage(*make_stage(op, {}), OwnedImage(in)).naive();
    const NaiveImage b = run_stage(*make_stage(op, {}), OwnedImage(other)).naive();
    CHECK(std::equal(a.samples.begin(), a.samples.begin() + 40, b.samples.begin()));
  }
}
