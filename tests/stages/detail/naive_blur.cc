#include "tests/stages/detail/naive_blur.h"

#include <cmath>
#include <numeric>

namespace tessera::tests {
namespace {

NaiveImage sum_along(const NaiveImage& image, const std::vector<double>& weights, int step_x, int step_y) {
  const int radius = static_cast<int>(weights.size() / 2);
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  NaiveImage out = image;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      for (int c = 0; c < image.channels(); ++c) {
        double sum = 0;
        for (int k = -radius; k <= radius; ++k)
          sum += weights[static_cast<std::size_t>(k + radius)] * image.reflected(x + k * step_x, y + k * step_y, c);
        out.at(x, y, c) = sum / total;
      }
  return out;
}

}  // namespace

NaiveImage naive_blur(const NaiveImage& image, const std::vector<double>& weights) {
  NaiveImage weighted = image;
  const int alpha = image.channels() - 1;
  if (image.format.alpha)
    for (int y = 0; y < image.height; ++y)
      for (int x = 0; x < image.width; ++x)
        for (int c = 0; c < alpha; ++c) weighted.at(x, y, c) *= image.at(x, y, alpha);
  NaiveImage out = sum_along(sum_along(weighted, weights, 1, 0), weights, 0, 1);
  if (image.format.alpha)
    for (int y = 0; y < image.height; ++y)
      for (int x = 0; x < image.width; ++x)
        for (int c = 0; c < alpha; ++c) {
          const double a = out.at(x, y, alpha);
          out.at(x, y, c) = a > 0 ? out.at(x, y, c) / a : 0;
        }
  return out;
}

NaiveImage naive_gaussian(const NaiveImage& image, double sigma_px) {
  std::vector<double> weights;
  const int radius = static_cast<int>(std::ceil(3 * sigma_px));
  for (int k = -radius; k <= radius; ++k) weights.push_back(std::exp(-k * k / (2 * sigma_px * sigma_px)));
  return naive_blur(image, weights);
}

}  // namespace tessera::tests
