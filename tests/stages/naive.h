// The oracle of the property tests: whole images as doubles, one value per sample, computed by the most obvious loop.
// A stage's test gives its naive function; check_stage draws images, formats, sizes and tilings from a printed seed and
// demands (a) every tiling gives the same bytes, (b) the bytes are within `tolerance` levels of the naive result.
#pragma once

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "stages/catalogue.h"

namespace tessera::tests {

/// samples[(y * width + x) * channels + c], 0..255 (u8), 0..65535 (u16), 0..1 (f32). Channels in B G R A or gray A
/// order.
struct NaiveImage {
  int width = 0, height = 0;
  stages::PixelFormat format;
  std::vector<double> samples;
  int channels() const { return format.channels(); }
  double max_value() const;
  double& at(int x, int y, int c);
  double at(int x, int y, int c) const;
  /// Reflect-101 at the edges, any distance outside.
  double reflected(int x, int y, int c) const;
};
NaiveImage make_naive(int width, int height, stages::PixelFormat);

/// A picture with edges, gradients, noise and flat parts; alpha with 0, full and between. Deterministic in `random`.
NaiveImage random_image(std::mt19937& random, int width, int height, stages::PixelFormat);

/// An image with memory of its own, rows padded as everywhere.
class OwnedImage {
 public:
  explicit OwnedImage(const stages::ImageInfo&);
  explicit OwnedImage(const NaiveImage&);
  stages::MutableView view() { return view_; }
  stages::View view() const { return view_; }
  const stages::ImageInfo& info() const { return info_; }
  NaiveImage naive() const;

 private:
  stages::ImageInfo info_;
  std::shared_ptr<std::byte[]> memory_;  // shared by copies: tests do not change an image after filling it
  stages::MutableView view_;
};

struct StageCase {
  std::string op;                                      // "resize"
  std::vector<stages::Values::Pair> parameters;        // as a recipe gives them
  std::function<NaiveImage(const NaiveImage&)> naive;  // gets the image in the stage's working format
  double tolerance = 0;                                // levels of 255 (u8), of 65535 (u16), 1/255 (f32)
  std::vector<stages::Depth> depths = {stages::Depth::u8, stages::Depth::u16};
  std::vector<std::pair<int, int>> sizes = {{1, 1}, {3, 8}, {533, 401}, {1021, 769}};
  /// Compare colours as they show, times alpha: what divides by alpha has no bound where alpha is almost nothing.
  bool weigh_by_alpha = false;
};

/// The sizes of the case and random small ones; gray, BGR, and both with alpha (up to 600 pixels wide). Each region is
/// computed from a copy of its required input and nothing else.
void check_stage(const StageCase&);

/// The stage over a whole image in memory, one band; converts to the working format first. Reductions are measured.
OwnedImage run_stage(const stages::Stage&, const OwnedImage&);
std::unique_ptr<const stages::Stage> make_stage(const std::string& op,
                                                const std::vector<stages::Values::Pair>& parameters);

/// TESSERA_TEST_SEED or a new one; printed, so that a failure can be repeated.
unsigned test_seed();

}  // namespace tessera::tests
