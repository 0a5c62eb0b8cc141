#include "stages/chain.h"

#include <catch2/catch.hpp>

#include "stages/frame_layout.h"
#include "tests/stages/naive.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

using Recipe = std::vector<std::pair<std::string, std::vector<Values::Pair>>>;

Chain chain_of(const ImageInfo& input, const Recipe& recipe) {
  std::vector<std::shared_ptr<const Operation>> operations;
  ImageInfo info = input;
  for (const auto& [op, parameters] : recipe) {
    operations.push_back(make_stage(op, parameters)->bind(info, {}));
    info = operations.back()->output();
  }
  return Chain(input, std::move(operations));
}

OwnedImage rendered(const Chain& chain, const OwnedImage& in, int band_rows) {
  OwnedImage out(chain.output());
  FrameSource source(in.info(), in.view());
  Scratch scratch;
  for (int y = 0; y < out.info().height; y += band_rows) {
    const Region band{0, y, out.info().width, std::min(y + band_rows, out.info().height)};
    chain.render(source, sub_view(out.info(), out.view(), band), scratch);
  }
  return out;
}

OwnedImage one_after_the_other(const Recipe& recipe, OwnedImage image) {
  for (const auto& [op, parameters] : recipe) image = run_stage(*make_stage(op, parameters), image);
  return image;
}

const Recipe kRecipe{{"brightness-contrast", {{"", "10"}, {"contrast", "25"}}},
                     {"gamma", {{"", "1.3"}}},
                     {"gaussian", {{"", "1.1"}}},
                     {"invert", {}},
                     {"levels", {{"", "5"}}},
                     {"sharpen", {{"", "0.8"}}},
                     {"saturation", {{"", "1.4"}}},
                     {"median", {{"", "1"}}},
                     {"gamma", {{"", "0.8"}}}};

}  // namespace

TEST_CASE("a chain gives the bytes of its stages one after the other, in any bands", "[chain]") {
  std::mt19937 random(test_seed());
  for (const Depth depth : {Depth::u8, Depth::u16})
    for (const bool alpha : {false, true}) {
      const OwnedImage in(random_image(random, 133, 71, {Model::bgr, depth, alpha}));
      const auto expected = one_after_the_other(kRecipe, in).naive().samples;
      const Chain chain = chain_of(in.info(), kRecipe);
      for (const int band_rows : {71, 16, 1}) CHECK(rendered(chain, in, band_rows).naive().samples == expected);
    }
}

TEST_CASE("fused lookups give the bytes of the lookups one after the other", "[chain]") {
  std::mt19937 random(test_seed());
  const Recipe curves{
      {"gamma", {{"", "2.2"}}}, {"brightness-contrast", {{"", "-20"}}}, {"invert", {}}, {"gamma", {{"", "0.4"}}}};
  for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32}) {
    const OwnedImage in(random_image(random, 90, 40, {Model::bgr, depth, true}));
    CHECK(rendered(chain_of(in.info(), curves), in, 16).naive().samples ==
          one_after_the_other(curves, in).naive().samples);
  }
}

TEST_CASE("a chain that changes nothing copies", "[chain]") {
  std::mt19937 random(test_seed());
  const OwnedImage in(random_image(random, 33, 20, {Model::bgr, Depth::u8, false}));
  const Chain nothing = chain_of(in.info(), {}), twice = chain_of(in.info(), {{"invert", {}}, {"invert", {}}});
  CHECK(rendered(nothing, in, 7).naive().samples == in.naive().samples);
  CHECK(rendered(twice, in, 7).naive().samples == in.naive().samples);
  CHECK(twice.scratch_bytes(twice.output().bounds()) == 0);  // the composed table is the identity, and is dropped
}

TEST_CASE("a chain requires the halos of all its operations, clipped to the image", "[chain]") {
  const ImageInfo info{500, 400, {Model::bgr, Depth::u8, false}, {}, 0};
  const Chain chain = chain_of(info, {{"gaussian", {{"", "1"}}}, {"invert", {}}, {"box", {{"", "5"}}}});
  CHECK(chain.required_input({100, 100, 200, 116}) == Region{92, 92, 208, 124});
  CHECK(chain.required_input({0, 0, 500, 16}) == Region{0, 0, 500, 24});
  CHECK(chain.map_point(3.5, 4.5) == std::array<double, 2>{3.5, 4.5});
}

TEST_CASE("rendering takes no more scratch than the chain says", "[chain]") {
  std::mt19937 random(test_seed());
  for (const Depth depth : {Depth::u8, Depth::u16})
    for (const bool alpha : {false, true})
      for (const Recipe& recipe :
           {kRecipe, Recipe{{"gaussian", {{"", "64"}}}}, Recipe{{"box", {{"", "200"}}}},
            Recipe{{"median", {{"", "20"}}}, {"gaussian", {{"", "30"}}}, {"edge", {{"", "each"}}}}}) {
        const OwnedImage in(make_naive(1100, 500, {Model::bgr, depth, alpha}));
        const Chain chain = chain_of(in.info(), recipe);
        const Region band{0, 240, 1100, 244};
        OwnedImage out(chain.output());
        FrameSource source(in.info(), in.view());
        Scratch scratch;
        chain.render(source, sub_view(out.info(), out.view(), band), scratch);
        CHECK(scratch.resident_bytes() <= chain.scratch_bytes(band));
      }
}
