#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "stages/chain.h"
#include "stages/orientation.h"
#include "tests/stages/geometry/reference.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

constexpr int kWidth = 240, kHeight = 160;

// Black, with a soft white mark; its centre of gravity is (x, y) exactly.
OwnedImage marked(double x, double y) {
  NaiveImage image = make_naive(kWidth, kHeight, {Model::gray, Depth::u8, false});
  for (int j = 0; j < kHeight; ++j)
    for (int i = 0; i < kWidth; ++i)
      image.at(i, j, 0) = std::round(255 * std::exp(-(std::pow(i + 0.5 - x, 2) + std::pow(j + 0.5 - y, 2)) / 18));
  return OwnedImage(image);
}

std::array<double, 2> centre_of_gravity(const NaiveImage& image) {
  double sum = 0, x = 0, y = 0;
  for (int j = 0; j < image.height; ++j)
    for (int i = 0; i < image.width; ++i) {
      const double w = image.at(i, j, 0);
      sum += w, x += w * (i + 0.5), y += w * (j + 0.5);
    }
  return {x / sum, y / sum};
}

void check_mark(const Operation& operation, double x, double y) {
  const auto expected = operation.map_point(x, y);
  const auto found = centre_of_gravity(run_operation(operation, marked(x, y)).naive());
  CHECK(std::abs(expected[0] - found[0]) < 0.05);
  CHECK(std::abs(expected[1] - found[1]) < 0.05);
}

}  // namespace

TEST_CASE("a mark in the picture lands where map_point says", "[map_point]") {
  const std::vector<std::pair<std::string, std::vector<Values::Pair>>> stages{
      {"resize", {{"", "97x"}}},
      {"resize", {{"", "311x303!"}}},
      {"resize", {{"", "100x120"}, {"fit", "cover"}, {"gravity", "west"}}},
      {"resize", {{"", "100x120"}, {"fit", "pad"}, {"gravity", "south"}}},
      {"crop", {{"", "150x100+21+13"}}},
      {"flip", {}},
      {"flop", {}},
      {"rotate", {{"", "90"}}},
      {"rotate", {{"", "180"}}},
      {"rotate", {{"", "-90"}}},
      {"rotate", {{"", "33.3"}}},
      {"rotate", {{"", "-171"}}},
      {"pad", {{"left", "5"}, {"top", "9"}}},
      {"pad", {{"", "400x401"}}},
  };
  for (const auto& [op, parameters] : stages)
    for (const auto& [x, y] : {std::pair{53.5, 61.5}, {90.5, 44.5}}) {
      INFO(op << " " << (parameters.empty() ? "" : parameters[0].second));
      check_mark(*make_stage(op, parameters)->bind(image_info(kWidth, kHeight, {Model::gray, Depth::u8, false}), {}), x,
                 y);
    }
  for (int orientation = 2; orientation <= 8; ++orientation)
    check_mark(*orientation_operations(image_info(kWidth, kHeight, {Model::gray, Depth::u8, false}), orientation)[0],
               53.5, 61.5);
}

TEST_CASE("trim moves points by what it cut", "[map_point]") {
  const auto stage = make_stage("trim", {});
  const OwnedImage image = marked(100.5, 70.5);
  std::vector<std::byte> statistic(stage->reduction(image.info())->bytes());
  stage->reduction(image.info())->measure(image.view(), statistic);
  const auto operation = stage->bind(image.info(), {statistic});
  CHECK(operation->output().width < 40);
  check_mark(*operation, 100.5, 70.5);
}

TEST_CASE("turns there and back bring every point home", "[map_point]") {
  const ImageInfo info = image_info(kWidth, kHeight, {Model::gray, Depth::u8, false});
  const std::pair<int, int> inverse[]{{2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 8}, {7, 7}, {8, 6}};
  for (const auto& [there, back] : inverse) {
    std::vector<std::shared_ptr<const Operation>> operations;
    for (auto& operation : orientation_operations(info, there)) operations.push_back(std::move(operation));
    for (auto& operation : orientation_operations(operations[0]->output(), back))
      operations.push_back(std::move(operation));
    const Chain chain(info, std::move(operations));
    CHECK(chain.output() == info);
    CHECK(chain.map_point(17.25, 101) == std::array{17.25, 101.0});
  }
}
