#include "stages/chain.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "stages/chain_renderer.h"
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

OwnedImage streamed(const Chain& chain, Source& source, int band_rows) {
  OwnedImage out(chain.output());
  Scratch scratch;
  ChainRenderer renderer(chain, source, out.info().bounds(), band_rows, scratch);
  for (int y = 0; y < out.info().height; y += band_rows) {
    const Region band{0, y, out.info().width, std::min(y + band_rows, out.info().height)};
    renderer.render(sub_view(out.info(), out.view(), band));
  }
  CHECK(scratch.resident_bytes() <= renderer_scratch_bytes(chain, out.info().bounds(), band_rows));
  return out;
}

// Lends exactly what is asked for, from memory of its own; fetches must ascend like a decoder's rows if `ascending`.
class StrictSource final : public Source {
 public:
  StrictSource(const OwnedImage& image, bool ascending) : image_(image), ascending_(ascending) {}
  const ImageInfo& info() const override { return image_.info(); }
  View fetch(const Region& region) override {
    if (ascending_ && region.y0 < last_) in_order = false;
    last_ = region.y0;
    part_.assign(frame_layout(info(), region).bytes, std::byte{0x5A});
    const MutableView view = view_in(WriteBytes(part_), info(), region);
    copy_pixels(info(), image_.view(), view);
    return view;
  }
  bool in_order = true;

 private:
  const OwnedImage& image_;
  bool ascending_;
  std::int32_t last_ = 0;
  std::vector<std::byte> part_;
};

// Another operation, and how many rows of its output were computed.
class Counted final : public Operation {
 public:
  Counted(std::unique_ptr<const Operation> operation, std::int64_t& rows)
      : operation_(std::move(operation)), rows_(rows) {}
  ImageInfo output() const override { return operation_->output(); }
  Region required_input(const Region& out) const override { return operation_->required_input(out); }
  void apply(const View& in, const MutableView& out, Scratch& scratch) const override {
    rows_ += out.region.height();
    operation_->apply(in, out, scratch);
  }

 private:
  std::unique_ptr<const Operation> operation_;
  std::int64_t& rows_;
};

Recipe random_recipe(std::mt19937& random, bool ascending) {
  static const Recipe rows_ascend{{"gaussian", {{"", "1.3"}}},
                                  {"box", {{"", "7"}}},
                                  {"median", {{"", "2"}}},
                                  {"sharpen", {{"", "0.7"}}},
                                  {"edge", {{"", "each"}}},
                                  {"gamma", {{"", "1.7"}}},
                                  {"invert", {}},
                                  {"saturation", {{"", "1.5"}}},
                                  {"pad", {{"", "170x260"}}},
                                  {"flop", {}},
                                  {"resize", {{"", "70%"}}},
                                  {"resize", {{"", "130%"}}},
                                  {"crop", {{"", "90%x90%"}}}};
  static const Recipe any_order{{"flip", {}}, {"rotate", {{"", "90"}}}, {"rotate", {{"", "17"}}}};
  Recipe recipe;
  for (std::size_t i = 0, count = 1 + random() % 5; i < count; ++i)
    recipe.push_back(!ascending && random() % 3 == 0 ? any_order[random() % any_order.size()]
                                                     : rows_ascend[random() % rows_ascend.size()]);
  return recipe;
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

TEST_CASE("random chains give the bytes of the whole image in any pieces, regions and order of rows", "[chain]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 24; ++round) {
    const bool ascending = random() % 2 == 0;
    const Recipe recipe = random_recipe(random, ascending);
    std::string names;
    for (const auto& [op, parameters] : recipe) names += op + " ";
    CAPTURE(round, names);
    const PixelFormat format{random() % 4 ? Model::bgr : Model::gray, random() % 2 ? Depth::u8 : Depth::u16,
                             random() % 2 == 0};
    const OwnedImage in(
        random_image(random, static_cast<int>(20 + random() % 90), static_cast<int>(20 + random() % 150), format));
    const OwnedImage expected = one_after_the_other(recipe, in);
    const Chain chain = chain_of(in.info(), recipe);
    REQUIRE(chain.output() == expected.info());
    const int height = chain.output().height, width = chain.output().width;
    for (const int band_rows : {height, 16, 1 + static_cast<int>(random() % 40)}) {
      StrictSource source(in, ascending);
      CHECK(streamed(chain, source, band_rows).naive().samples == expected.naive().samples);
      if (band_rows >= 16) CHECK(source.in_order);  // of single rows, left-out zero taps may reorder
    }
    const int x = static_cast<int>(random()) & 0xFFFF, y = static_cast<int>(random()) & 0xFFFF;
    const Region part{x % width, y % height, width, height};
    OwnedImage out(chain.output());
    StrictSource source(in, false);
    Scratch scratch;
    chain.render(source, sub_view(out.info(), out.view(), part), scratch);
    CHECK(scratch.resident_bytes() <= chain.scratch_bytes(part));
    for (std::int32_t row = part.y0; row < part.y1; ++row) {
      const auto bytes = static_cast<std::size_t>(part.width() * format.pixel_bytes());
      const auto offset = static_cast<std::ptrdiff_t>(part.x0) * format.pixel_bytes();
      REQUIRE(std::memcmp(out.view().plane().row<std::byte>(row) + offset,
                          expected.view().plane().row<std::byte>(row) + offset, bytes) == 0);
    }
  }
}

TEST_CASE("planes of a coarse grid keep their rows between pieces, too", "[chain]") {
  std::mt19937 random(test_seed());
  ImageInfo info{150, 117, {Model::ycbcr_planar, Depth::u8, false}, {}, 0};
  info.grid[1] = info.grid[2] = {1, 1, 0, 0};
  OwnedImage in(info);
  for (int p = 0; p < 3; ++p) {
    const auto plane = in.view().plane(p);
    for (int y = 0; y < plane.height; ++y)
      for (int x = 0; x < plane.width; ++x) plane.row<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(random());
  }
  const Recipe recipe{{"resize", {{"", "80%"}}}, {"flop", {}}, {"resize", {{"", "60%"}}}, {"resize", {{"", "90%"}}}};
  const Chain chain = chain_of(info, recipe);
  StrictSource source(in, true);
  const OwnedImage whole = streamed(chain, source, chain.output().height);
  for (const int band_rows : {1, 3, 16}) {
    StrictSource again(in, true);
    const OwnedImage pieces = streamed(chain, again, band_rows);
    for (int p = 0; p < 3; ++p) {
      const auto a = whole.view().plane(p), b = pieces.view().plane(p);
      for (int y = 0; y < a.height; ++y)
        REQUIRE(std::memcmp(a.row<std::byte>(y), b.row<std::byte>(y), static_cast<std::size_t>(a.width)) == 0);
    }
  }
}

TEST_CASE("streaming bands computes every row of every operation once", "[chain]") {
  std::mt19937 random(test_seed());
  const OwnedImage in(random_image(random, 60, 333, {Model::bgr, Depth::u8, false}));
  std::array<std::int64_t, 4> rows{};
  std::vector<std::shared_ptr<const Operation>> operations;
  const Recipe recipe{
      {"gaussian", {{"", "4"}}}, {"sharpen", {{"", "1"}}}, {"box", {{"", "9"}}}, {"edge", {{"", "each"}}}};
  for (std::size_t i = 0; i < recipe.size(); ++i)
    operations.push_back(
        std::make_shared<Counted>(make_stage(recipe[i].first, recipe[i].second)->bind(in.info(), {}), rows[i]));
  const Chain chain(in.info(), std::move(operations));
  FrameSource source(in.info(), in.view());
  streamed(chain, source, 16);
  CHECK(rows == std::array<std::int64_t, 4>{333, 333, 333, 333});
}

TEST_CASE("where rows do not ascend, pieces grow until hardly a row is computed twice", "[chain]") {
  const ImageInfo info{3000, 2000, {Model::bgr, Depth::u8, false}, {}, 0};
  const Chain up = chain_of(info, {{"gaussian", {{"", "8"}}}, {"sharpen", {{"", "1"}, {"sigma", "8"}}}, {"flip", {}}});
  const Chain down = chain_of(info, {{"gaussian", {{"", "8"}}}, {"sharpen", {{"", "1"}, {"sigma", "8"}}}});
  CHECK(schedule_pieces(down, info.bounds(), 2000).piece_rows <= 64);
  CHECK(schedule_pieces(down, info.bounds(), 2000).recomputed == 1);
  const PieceSchedule schedule = schedule_pieces(up, info.bounds(), 2000);
  CHECK(schedule.recomputed <= 1.05);
  CHECK(schedule.piece_rows > 64);
}

TEST_CASE("the scratch of streamed bands grows with the image's width and not with its height", "[chain]") {
  const Recipe recipe{{"gaussian", {{"", "2"}}}, {"gamma", {{"", "1.2"}}}, {"sharpen", {{"", "1"}}}};
  const auto bytes = [&](std::int32_t width, std::int32_t height) {
    const ImageInfo info{width, height, {Model::bgr, Depth::u8, false}, {}, 0};
    return renderer_scratch_bytes(chain_of(info, recipe), info.bounds(), 224);
  };
  CHECK(bytes(6000, 4000) == bytes(6000, 40000));
  CHECK(bytes(6000, 4000) < frame_layout({6000, 4000, {Model::bgr, Depth::u8, false}, {}, 0}, {0, 0, 6000, 300}).bytes);
  CHECK(bytes(12000, 4000) > bytes(6000, 4000));
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
