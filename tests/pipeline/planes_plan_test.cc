// Which recipes keep a JPEG's planes, how far its decoder shrinks, and what the plan says about it.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "pipeline/plan.h"
#include "pipeline/stage_text.h"

namespace tessera::tests {
using namespace pipeline;
using namespace stages;

namespace {

Recipe recipe_of(const std::vector<std::string>& stages, const std::string& subsampling = "4:2:0",
                 const std::string& quality = "82") {
  RecipeFile file = default_recipe();
  CommandLineOverrides flags;
  flags.format = "jpeg";
  flags.options = {{"subsampling", subsampling}, {"quality", quality}};
  for (const std::string& text : stages) {
    const StageText parsed = parse_stage_text(text);
    flags.stages.push_back(make_stage_spec(parsed.op, parsed.pairs, text));
  }
  apply(flags, file);
  return file.recipe;
}

Header photo(std::int32_t width, std::int32_t height, std::array<std::uint8_t, 2> chroma, int orientation = 1) {
  Header header;
  header.full = {width, height, {Model::bgr, Depth::u8, false}, {}, 0};
  header.orientation = static_cast<std::uint8_t>(orientation);
  header.max_scale_log2 = 3;
  header.planar = true;
  header.chroma_log2 = chroma;
  header.codec = static_cast<std::uint32_t>(std::ranges::find(codecs(), find_codec("jpeg")) - codecs().begin());
  return header;
}

ImagePlan plan_of(const Recipe& recipe, const Header& header, Route route = Route::whole,
                  std::string_view format = "jpeg") {
  const std::vector<const Codec*> products(recipe.outputs.size(), find_codec(format));
  return make_plan(recipe, header, products, {}, route, {});
}

bool says(const ImagePlan& plan, std::string_view text) {
  return std::ranges::any_of(plan.reasons, [&](const std::string& r) { return r.find(text) != std::string::npos; });
}

constexpr std::array<std::uint8_t, 2> kSamplings[]{{0, 0}, {1, 0}, {1, 1}, {0, 1}, {2, 0}};

}  // namespace

TEST_CASE("planes are kept by every stage that needs no colours, and come to the output's subsampling", "[plan]") {
  const std::vector<std::vector<std::string>> keeping{{},
                                                      {"resize 1600x1600>"},
                                                      {"resize 720x588!", "sharpen 0.5"},
                                                      {"resize 301x303 fit=cover gravity=northwest"},
                                                      {"resize 301x303 fit=pad background=#102030"},
                                                      {"crop 1001x777+13+5", "resize 50%"},
                                                      {"crop 1001x777+13+5"},
                                                      {"resize 33%", "crop 101x77+3+5", "flop"},
                                                      {"flip", "rotate 90", "pad left=3 top=4 background=white"},
                                                      {"resize 801x", "rotate 270", "sharpen 1", "resize 50%"}};
  for (const auto& stages : keeping)
    for (const auto& sampling : kSamplings)
      for (const char* subsampling : {"4:2:0", "4:2:2", "4:4:4"})
        for (const int orientation : {1, 2, 6, 7})
          for (const Route route : {Route::whole, Route::spread}) {
            INFO(fmt::format("{} chroma {},{} to {} orientation {}", fmt::join(stages, ", "), sampling[0], sampling[1],
                             subsampling, orientation));
            const Recipe recipe = recipe_of(stages, subsampling);
            const ImagePlan plan = plan_of(recipe, photo(2725, 2225, sampling, orientation), route);
            REQUIRE(plan.decode.planar);
            CHECK(says(plan, "planes are kept"));
            const ImageInfo& out = plan.passes.back().output;
            CHECK(out.format == PixelFormat{Model::ycbcr_planar, Depth::u8, false});
            const Grid wanted{static_cast<std::uint8_t>(std::string(subsampling) == "4:4:4" ? 0 : 1),
                              static_cast<std::uint8_t>(std::string(subsampling) == "4:2:0" ? 1 : 0)};
            CHECK(out.grid[0] == Grid{});
            CHECK(out.grid[1] == wanted);
            CHECK(out.grid[2] == wanted);
          }
}

TEST_CASE("a resize puts chroma on the output's grid itself, turned or padded", "[plan]") {
  for (const char* resize : {"resize 1601x1601>", "resize 301x303 fit=pad", "resize 301x303 fit=cover"})
    for (const auto& sampling : kSamplings)
      for (int orientation = 1; orientation <= 8; ++orientation) {
        INFO(fmt::format("{} chroma {},{} orientation {}", resize, sampling[0], sampling[1], orientation));
        const Recipe recipe = recipe_of({resize, "sharpen 0.5"});
        for (const Pass& pass : plan_of(recipe, photo(2725, 2225, sampling, orientation)).passes)
          for (const Step& step : pass.steps) CHECK(step.kind != Step::Kind::chroma);
      }
}

TEST_CASE("what works on colours or cannot be stored gives up planes and says why", "[plan]") {
  const Header header = photo(2725, 2225, {1, 1});
  const std::vector<std::pair<std::string, std::string>> refused{
      {"saturation 1.2", "saturation works on colours"},
      {"gamma 1.2", "gamma works on colours"},
      {"invert", "invert works on colours"},
      {"trim", "trim works on colours"},
      {"equalize", "equalize works on colours"},
      {"rotate 3", "rotate works on colours"},
      {"median 1", "median works on colours"},
      {"pad left=9 background=#ffffff80", "pad works on colours"},
      {"brightness-contrast 10", "brightness-contrast works on colours"}};
  for (const auto& [stage, why] : refused) {
    INFO(stage);
    const Recipe recipe = recipe_of({"resize 50%", stage});
    const ImagePlan plan = plan_of(recipe, header);
    CHECK_FALSE(plan.decode.planar);
    CHECK(says(plan, "planes are not kept: " + why));
  }
  const Recipe plain = recipe_of({"resize 50%"});
  const ImagePlan png = plan_of(plain, header, Route::whole, "png");
  CHECK_FALSE(png.decode.planar);
  CHECK(says(png, "planes are not kept: output 1 does not store them"));
  Header colours = header;
  colours.planar = false;
  CHECK_FALSE(plan_of(plain, colours).decode.planar);
  CHECK_FALSE(says(plan_of(plain, colours), "planes"));
}

TEST_CASE("grayscale takes the luma plane, whatever the output is", "[plan]") {
  const Recipe recipe = recipe_of({"resize 50%", "grayscale", "gamma 1.1"});
  for (const char* format : {"jpeg", "png"}) {
    const ImagePlan plan = plan_of(recipe, photo(2725, 2225, {1, 1}), Route::whole, format);
    CHECK(plan.decode.planar);
    CHECK(plan.passes.back().output.format == PixelFormat{Model::gray, Depth::u8, false});
  }
}

TEST_CASE("the decoder shrinks for turned photos and for what a crop leaves", "[plan]") {
  const auto scale = [](const std::vector<std::string>& stages, int orientation) {
    const Recipe recipe = recipe_of(stages);
    return static_cast<int>(plan_of(recipe, photo(6000, 4000, {1, 1}, orientation)).decode.scale_log2);
  };
  CHECK(scale({"resize 1000x"}, 1) == scale({"resize x1000"}, 6));
  CHECK(scale({"resize 400x"}, 8) == 3);
  CHECK(scale({"crop 3000x2000+101+51", "resize 400x"}, 1) == scale({"resize 800x"}, 1));
  CHECK(scale({"crop 3000x2000+101+51", "resize 2000x"}, 1) == 0);
  CHECK(scale({"flop", "crop 50%x50%", "rotate 90", "resize 300x"}, 6) > 0);
  CHECK(scale({"pad left=2", "resize 300x"}, 1) == 0);
  CHECK(scale({"sharpen 1", "resize 300x"}, 1) == 0);
}

TEST_CASE("a photo is turned upright after the resize, when it is small", "[plan]") {
  const Recipe recipe = recipe_of({"crop 80%x80%", "resize 4000x", "sharpen 0.5"});
  const ImagePlan plan = plan_of(recipe, photo(12000, 9000, {1, 1}, 6));
  REQUIRE(plan.passes.size() == 2);
  REQUIRE(plan.frames.size() == 1);
  CHECK(plan.frames[0].height == 4000);
  CHECK(plan.passes[0].ring_rows < 9000 / 2);
  CHECK(plan.passes[1].output.width == 4000);
  REQUIRE(plan.passes[1].steps.size() == 2);
  CHECK(plan.passes[1].steps[0].kind == Step::Kind::orient);
  // But what makes it larger comes after the turn.
  const Recipe larger = recipe_of({"resize 200%"});
  const ImagePlan enlarged = plan_of(larger, photo(600, 400, {1, 1}, 6));
  REQUIRE(enlarged.passes[0].steps.size() == 2);
  CHECK(enlarged.passes[0].steps[0].kind == Step::Kind::orient);
}

TEST_CASE("the decoder shrinks less for an output that would show it", "[plan]") {
  const Header header = photo(2725, 2225, {1, 1});
  const auto scale = [&](const std::string& size, const std::string& quality) {
    return plan_of(recipe_of({"resize " + size}, "4:2:0", quality), header).decode.scale_log2;
  };
  CHECK(scale("1200x", "82") == 1);
  CHECK(scale("1200x", "95") == 0);
  CHECK(scale("720x", "95") == 1);
}

}  // namespace tessera::tests
