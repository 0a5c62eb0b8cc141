// Parts of a spread image's frame, the rows that bands need of them, and which way an image goes for that.
#include "pipeline/spread_grid.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <numeric>
#include <random>

#include "pipeline/route.h"
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

Header jpeg(std::int32_t width, std::int32_t height) {
  Header header;
  header.full = {width, height, {Model::bgr, Depth::u8, false}, {}, 0};
  header.max_scale_log2 = 3;
  const auto& all = codecs();
  header.codec = static_cast<std::uint32_t>(std::ranges::find(all, find_codec("jpeg")) - all.begin());
  return header;
}

RouteQuestion question_of(const Recipe& recipe, const Header& header) {
  RouteQuestion question;
  question.header = header;
  question.products = std::vector<const Codec*>(recipe.outputs.size(), find_codec("jpeg"));
  question.whole = make_plan(recipe, header, question.products, {}, Route::whole, {}, true);
  question.spread = make_plan(recipe, header, question.products, {}, Route::spread, {}, true);
  question.tail = true;
  return question;
}

}  // namespace

TEST_CASE("parts cover the frame, and hold what every band needs", "[spread]") {
  std::mt19937 random(test_seed());
  INFO("seed " << test_seed());
  std::uniform_int_distribution<std::int32_t> side(1, 9000);
  const std::vector<std::vector<std::string>> recipes{{"gaussian 3"}, {"resize 40%"},       {"flip"},
                                                      {"rotate 90"},  {"crop 50%x50%+0+0"}, {}};
  for (int round = 0; round < 40; ++round) {
    const Recipe recipe = recipe_of(recipes[static_cast<std::size_t>(round) % recipes.size()]);
    const RouteQuestion question = question_of(recipe, jpeg(side(random) + 1, side(random) + 1));
    const ImagePlan& plan = question.spread;
    const PartGrid grid = part_grid(plan);
    INFO(fmt::format("{}x{}", grid.info.width, grid.info.height));
    CHECK(grid.rows % 16 == 0);
    CHECK(grid.rows % plan.decode_traits.band_multiple == 0);
    std::int32_t next = 0;
    for (std::int32_t i = 0; i < grid.count; ++i) {
      CHECK(grid.part(i).y0 == next);
      CHECK_FALSE(grid.part(i).empty());
      next = grid.part(i).y1;
    }
    CHECK(next == grid.info.height);
    CHECK(grid.first >= 0);
    CHECK(grid.last < grid.count);
    for (const Pass& pass : plan.passes) {
      if (pass.from_frame != 0) continue;
      const auto needs = band_needs(pass);
      REQUIRE(needs.size() == static_cast<std::size_t>(pass.bands()));
      for (std::int32_t b = 0; b < pass.bands(); ++b) {
        const Region need = bind_pass(pass, {}).required_input(pass.band(b));
        const Rows rows = needs[static_cast<std::size_t>(b)];
        CHECK((rows.y0 == need.y0 && rows.y1 == need.y1));
        CHECK(grid.part(grid.first).y0 <= rows.y0);
        CHECK(grid.part(grid.last).y1 >= rows.y1);
      }
    }
    if (plan.windowed) CHECK(plan.spread_bytes >= grid.bytes(grid.first));
  }
}

TEST_CASE("a window takes a small part of a large image, and what needs all of it takes all", "[spread]") {
  const Header header = jpeg(20000, 20000);
  const auto bytes_of = [&](const std::vector<std::string>& stages) {
    const Recipe recipe = recipe_of(stages);
    return question_of(recipe, header).spread.spread_bytes;
  };
  const std::uint64_t frame = frame_layout(header.full, header.full.bounds()).bytes;
  for (const auto& stages : std::vector<std::vector<std::string>>{
           {"gaussian 3"}, {"resize 90%"}, {"crop 9000x9000+100+100"}, {"crop 80%x80%+0+0", "resize 90%", "sharpen 1"}})
    CHECK(bytes_of(stages) < frame / 10);
  for (const auto& stages :
       std::vector<std::vector<std::string>>{{"flip"}, {"rotate 90"}, {"equalize"}, {"trim"}, {"auto-levels"}})
    CHECK(bytes_of(stages) >= frame);
}

TEST_CASE("an image is spread at the end of a batch if what can overlap is worth it", "[spread]") {
  workers::Windows windows(workers::Backing::private_memory, 2, std::uint64_t{1} << 33, 1 << 20);
  const workers::Arena arena(windows, std::uint64_t{1} << 32, 4096);
  const auto route = [&](const std::vector<std::string>& stages, bool tail, int slots) {
    const Recipe recipe = recipe_of(stages);
    RouteQuestion question = question_of(recipe, jpeg(10000, 5000));
    question.tail = tail;
    return choose_route(question, Tiling::automatic, slots, arena);
  };
  const std::vector<std::string> heavy{"gaussian 3", "median 4", "sharpen 1"}, light{"resize 800x800"};
  CHECK(route(heavy, true, 2) == Route::spread);
  CHECK(route(heavy, true, 8) == Route::spread);
  CHECK(route(heavy, false, 2) == Route::whole);  // the other slots have images of their own
  CHECK(route(heavy, true, 1) == Route::whole);
  CHECK(route(light, true, 2) == Route::whole);  // the decoder is all the work, and it is one
  // Decoding one part after the other bounds what any number of slots can gain.
  const Recipe recipe = recipe_of(heavy);
  const RouteCost cost = route_cost(question_of(recipe, jpeg(10000, 5000)));
  CHECK(cost.spread(1000) >= cost.decode);
  CHECK(cost.spread(2) >= cost.whole() / 2);
  CHECK(cost.spread(4) <= cost.spread(2));
}

}  // namespace tessera::tests
