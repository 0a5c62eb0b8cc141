#include "pipeline/plan.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <random>

#include "pipeline/metadata_block.h"
#include "pipeline/stage_text.h"
#include "stages/frame_layout.h"
#include "tests/stages/naive.h"

namespace tessera::tests {
using namespace pipeline;
using namespace stages;

namespace {

Recipe recipe_of(const std::vector<std::string>& stages) {
  RecipeFile file = default_recipe();
  CommandLineOverrides flags;
  flags.format = "jpeg";
  for (const std::string& text : stages) {
    const StageText parsed = parse_stage_text(text);
    flags.stages.push_back(make_stage_spec(parsed.op, parsed.pairs, text));
  }
  apply(flags, file);
  return file.recipe;
}

Header photo(std::int32_t width, std::int32_t height, std::uint8_t orientation = 1) {
  Header header;
  header.full = {width, height, {Model::bgr, Depth::u8, false}, {}, 0};
  header.orientation = orientation;
  header.max_scale_log2 = 3;
  const auto& all = codecs();
  header.codec = static_cast<std::uint32_t>(std::ranges::find(all, find_codec("jpeg")) - all.begin());
  return header;
}

ImagePlan plan_of(const Recipe& recipe, const Header& header, Route route = Route::whole,
                  std::span<const ImageInfo> resolved = {}, bool assume = false, PlanOptions options = {}) {
  const std::vector<const Codec*> products(recipe.outputs.size(), find_codec("jpeg"));
  return make_plan(recipe, header, products, options, route, resolved, assume);
}

}  // namespace

TEST_CASE("resize and sharpen stream from the decoder to the product without a frame", "[plan]") {
  const ImagePlan plan = plan_of(recipe_of({"resize 1600x1600>", "sharpen 0.5"}), photo(6000, 4000));
  REQUIRE(plan.complete);
  REQUIRE(plan.passes.size() == 1);
  CHECK(plan.frames.empty());
  CHECK(plan.frame_bytes == 0);
  CHECK(plan.passes[0].from_frame == kDecoder);
  CHECK(plan.passes[0].product == 0);
  CHECK(plan.passes[0].ring_rows < 4000 / 2);
  CHECK(plan.private_bytes < 64u << 20);
  CHECK(plan.decode.scale_log2 == 1);  // 3.75 times smaller: half by the decoder, the rest by the filter
  CHECK(plan.passes[0].output.width == 1600);
}

TEST_CASE("full-decode and a stage before the resize keep the decoder from shrinking", "[plan]") {
  Recipe recipe = recipe_of({"resize 300x"});
  CHECK(plan_of(recipe, photo(6000, 4000)).decode.scale_log2 == 3);
  recipe.full_decode = true;
  CHECK(plan_of(recipe, photo(6000, 4000)).decode.scale_log2 == 0);
  CHECK(plan_of(recipe_of({"gamma 1.2", "resize 400x"}), photo(6000, 4000)).decode.scale_log2 == 0);
}

TEST_CASE("a flip needs a frame, placed after what can stream", "[plan]") {
  const ImagePlan plan = plan_of(recipe_of({"resize 1000x", "flip"}), photo(6000, 4000));
  REQUIRE(plan.passes.size() == 2);
  CHECK(plan.passes[0].into_frame == 0);
  CHECK(plan.frames[0].width == 1000);
  CHECK(plan.passes[1].from_frame == 0);
  CHECK(plan.frame_bytes == frame_layout(plan.frames[0], plan.frames[0].bounds()).bytes);
}

TEST_CASE("both routes have the same bands for every pass after the decoding", "[plan]") {
  const std::vector<std::vector<std::string>> recipes{
      {"resize 1600x1600>", "sharpen 0.5"},      {"gaussian 2", "flip", "median 1"}, {"equalize", "resize 50%"},
      {"rotate 90", "auto-levels", "gamma 1.1"}, {"crop 3000x2000+17+33"},           {}};
  for (const auto& stages : recipes)
    for (const std::uint8_t orientation : {std::uint8_t{1}, std::uint8_t{6}}) {
      const Recipe recipe = recipe_of(stages);
      const ImagePlan whole = plan_of(recipe, photo(6000, 4000, orientation)),
                      spread = plan_of(recipe, photo(6000, 4000, orientation), Route::spread);
      REQUIRE(spread.passes[0].steps.empty());
      REQUIRE(spread.passes[0].into_frame == 0);
      std::vector<std::pair<ImageInfo, std::int32_t>> a, b;
      for (const Pass& pass : whole.passes)
        if (!pass.steps.empty()) a.emplace_back(pass.output, pass.band_rows);
      for (const Pass& pass : spread.passes)
        if (!pass.steps.empty()) b.emplace_back(pass.output, pass.band_rows);
      CHECK((a == b));
    }
}

TEST_CASE("a statistic is measured where its frame is made, and trim stops the plan until it is known", "[plan]") {
  const ImagePlan equalized = plan_of(recipe_of({"resize 1000x", "equalize"}), photo(6000, 4000));
  REQUIRE(equalized.complete);
  REQUIRE(equalized.passes.size() == 2);
  CHECK(equalized.passes[0].measures == 0);

  const Recipe recipe = recipe_of({"trim", "resize 50%"});
  const ImagePlan open = plan_of(recipe, photo(800, 600));
  CHECK_FALSE(open.complete);
  REQUIRE(open.passes.size() == 1);
  ImageInfo trimmed = photo(800, 600).full;
  trimmed.width = 300, trimmed.height = 200;
  const ImagePlan known = plan_of(recipe, photo(800, 600), Route::whole, {&trimmed, 1});
  REQUIRE(known.complete);
  CHECK(known.passes.back().output.width == 150);
  CHECK(known.passes[0].output == open.passes[0].output);
  const ImagePlan assumed = plan_of(recipe, photo(800, 600), Route::whole, {}, true);
  CHECK(assumed.passes.back().output.width == 400);
  CHECK(assumed.frame_bytes >= known.frame_bytes);
}

TEST_CASE("several outputs share one decoded frame", "[plan]") {
  Recipe recipe = recipe_of({"resize 1000x"});
  recipe.outputs.push_back(recipe.outputs[0]);
  recipe.outputs[1].name_template = "{name}_2.jpg";
  const ImagePlan plan = plan_of(recipe, photo(6000, 4000));
  REQUIRE(plan.passes.size() == 3);
  CHECK(plan.frames.size() == 1);
  CHECK(plan.passes[1].from_frame == 0);
  CHECK(plan.passes[2].from_frame == 0);
}

TEST_CASE("a ring is never shorter than what any band needs", "[plan]") {
  std::mt19937 random(test_seed());
  const std::vector<std::string> choices{"resize 33%",   "resize 150%", "gaussian 3", "sharpen 1",
                                         "crop 80%x70%", "flop",        "box 9",      "pad left=3 top=5"};
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> stages;
    for (int i = std::uniform_int_distribution<int>(1, 4)(random); i > 0; --i)
      stages.push_back(choices[std::uniform_int_distribution<std::size_t>(0, choices.size() - 1)(random)]);
    const auto side = [&] { return std::uniform_int_distribution<std::int32_t>(1, 5000)(random); };
    PlanOptions options;
    options.band_rows =
        std::uniform_int_distribution<int>(0, 1)(random) ? 16 * std::uniform_int_distribution<int>(1, 9)(random) : 0;
    const Header header = photo(side(), side());
    INFO(fmt::format("seed {}: {} on {}x{}, band rows {}", test_seed(), fmt::join(stages, ", "), header.full.width,
                     header.full.height, options.band_rows));
    const Recipe recipe = recipe_of(stages);  // the plan refers to its stages
    const ImagePlan plan = plan_of(recipe, header, Route::whole, {}, false, options);
    for (const Pass& pass : plan.passes) {
      if (pass.from_frame != kDecoder || pass.steps.empty()) continue;
      const Chain chain = bind_pass(pass, {});
      CHECK(chain.output() == pass.output);
      std::int32_t last = 0;
      for (std::int32_t b = 0; b < pass.bands(); ++b) {
        const Region need = chain.required_input(pass.band(b));
        CHECK(need.height() <= pass.ring_rows);
        CHECK(need.y0 >= last);
        last = need.y0;
      }
    }
  }
}

TEST_CASE("frames alive at the same time never overlap, and placed ones stay", "[plan]") {
  const Recipe recipe = recipe_of({"flip", "equalize", "rotate 90", "trim", "auto-levels", "flip"});
  const ImagePlan open = plan_of(recipe, photo(900, 700));
  const Placement first = place_frames(open);
  ImageInfo resolved = photo(700, 900).full;
  resolved.width = 650;
  const ImagePlan plan = plan_of(recipe, photo(900, 700), Route::whole, {&resolved, 1});
  REQUIRE(plan.complete);
  const Placement second = place_frames(plan, first.offsets);
  for (std::size_t f = 0; f < first.offsets.size(); ++f) CHECK(second.offsets[f] == first.offsets[f]);
  std::vector<std::pair<std::size_t, std::size_t>> lives(plan.frames.size());
  for (std::size_t p = 0; p < plan.passes.size(); ++p) {
    if (plan.passes[p].into_frame >= 0) lives[static_cast<std::size_t>(plan.passes[p].into_frame)] = {p, p};
    if (plan.passes[p].from_frame >= 0) lives[static_cast<std::size_t>(plan.passes[p].from_frame)].second = p;
  }
  const auto end = [&](std::size_t f) {
    return second.offsets[f] + frame_layout(plan.frames[f], plan.frames[f].bounds()).bytes;
  };
  for (std::size_t f = 0; f < plan.frames.size(); ++f) {
    CHECK(end(f) <= second.workspace_bytes);
    for (std::size_t g = 0; g < f; ++g)
      if (lives[f].first <= lives[g].second && lives[g].first <= lives[f].second)
        CHECK((end(g) <= second.offsets[f] || end(f) <= second.offsets[g]));
  }
}

TEST_CASE("metadata survives its block, and a damaged block is an error", "[plan]") {
  Header header = photo(10, 10);
  header.metadata_bytes = 300;
  Metadata metadata{{"exif", std::vector<std::byte>(100, std::byte{7})},
                    {"icc", std::vector<std::byte>(200, std::byte{9})}};
  std::vector<std::byte> block(metadata_block_bytes(header));
  write_metadata(metadata, block);
  CHECK((read_metadata(block) == metadata));
  CHECK((kept_metadata(metadata, {"icc"}) == Metadata{metadata[1]}));
  std::mt19937 random(test_seed());
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::byte> damaged = block;
    for (int k = 0; k < 3; ++k)
      damaged[std::uniform_int_distribution<std::size_t>(0, damaged.size() - 1)(random)] =
          std::byte(std::uniform_int_distribution<int>(0, 255)(random));
    try {
      read_metadata(damaged);
    } catch (const ImageError&) {
    }
  }
  metadata[0].second.resize(1000);
  CHECK_THROWS_AS(write_metadata(metadata, block), ImageError);
}

}  // namespace tessera::tests
