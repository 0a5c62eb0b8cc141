#include <catch2/catch.hpp>

#include "pipeline/recipe.h"
#include "tests/pipeline/temp_folder.h"
#include "tests/pipeline/test_vocabulary.h"
#include "tests/pipeline/usage_message.h"

namespace tessera::pipeline {
namespace {

using Pair = stages::Values::Pair;

RecipeFile parse(std::string_view toml) { return parse_recipe(toml, "r.toml", test_vocabulary()); }

TEST_CASE("a recipe file says all that a run needs") {
  const RecipeFile file = parse(R"(
    version = 1
    [input]
    fail-on = "warning"
    full-decode = true
    [[stage]]
    op = "resize"
    size = "1600x1600>"
    filter = "box"
    [[output]]
    template = "{reldir}/{name}.{ext}"
    format = "jpeg"
    quality = 82
    on-exist = "skip"
    keep = ["icc", "exif"]
    [[output]]
    template = "thumbs/{n:04}.webp"
    background = "black"
    lossless = true
    [[output.stage]]
    op = "resize"
    size = "160x160^"
    [[output.stage]]
    op = "sharpen"
    amount = 0.25
  )");
  CHECK(file.on_exist == "skip");
  const Recipe& recipe = file.recipe;
  CHECK(recipe.fail_on == stages::FailOn::warning);
  CHECK(recipe.full_decode);
  REQUIRE(recipe.common.size() == 1);
  CHECK(recipe.common[0].values.pairs() ==
        std::vector<Pair>{{"size", "1600x1600>"}, {"filter", "box"}, {"linear", "false"}});
  REQUIRE(recipe.outputs.size() == 2);
  CHECK(recipe.outputs[0].codec == test_vocabulary().find_codec("jpeg"));
  CHECK(recipe.outputs[0].options == std::vector<Pair>{{"quality", "82"}});
  CHECK(recipe.outputs[0].keep == std::vector<std::string>{"exif", "icc"});
  CHECK(recipe.outputs[0].stages.empty());
  CHECK(recipe.outputs[1].format == "webp");
  CHECK(recipe.outputs[1].background == "#000000");
  REQUIRE(recipe.outputs[1].stages.size() == 2);
  CHECK(recipe.outputs[1].stages[1].values.number("amount") == 0.25);
}

TEST_CASE("an empty recipe copies the pictures") {
  const RecipeFile file = parse("");
  CHECK(file.recipe.canonical() == default_recipe().recipe.canonical());
  CHECK_FALSE(file.on_exist);
}

TEST_CASE("a wrong recipe is refused with line, place and the nearest name") {
  struct Row {
    std::string toml, sentence;
  };
  const std::vector<Row> rows{
      {"version = 2", "r.toml:1: version must be 1"},
      {"version = '1'", "r.toml:1: version must be 1"},
      {"\nverson = 1", "r.toml:2: there is no key 'verson'; did you mean 'version'?"},
      {"zzzzzzzzz = 1", "there are version, input, stage, output"},
      {"[input]\nfail_on = 'none'", "r.toml:2: [input]: there is no key 'fail_on'; did you mean 'fail-on'?"},
      {"[input]\nfail-on = 3", "r.toml:2: [input]: fail-on must be a string, not a number"},
      {"[input]\nfail-on = 'never'", "r.toml:2: [input]: fail-on: 'never' is not one of none, truncated, warning"},
      {"[input]\nfull-decode = 'yes'", "r.toml:2: [input]: full-decode must be true or false, not a string"},
      {"input = 3", "r.toml:1: input must be a table, not a number"},
      {"[stage]\nop = 'flop'", "stage must be [[stage]], not a table"},
      {"stage = ['flop']", "stage must be a table, not a string"},
      {"[[stage]]\nsize = '1x1'", "r.toml:1: [[stage]] 1: 'op', the name of the stage, is missing"},
      {"[[stage]]\nop = 3", "r.toml:2: [[stage]] 1: op must be a string, not a number"},
      {"[[stage]]\nop = 'flop'\n[[stage]]\nop = 'resise'",
       "r.toml:3: [[stage]] 2: there is no stage 'resise'; did you mean 'resize'?"},
      {"[[stage]]\nop = 'resize'\nsize = '1x'\nfiltr = 'box'",
       "r.toml:1: [[stage]] 1: resize: there is no parameter 'filtr'; did you mean 'filter'?"},
      {"[[stage]]\nop = 'sharpen'\namount = [1]",
       "r.toml:3: [[stage]] 1: amount must be a string, a number or true or false, not an array"},
      {"[[stage]]\nop = 'sharpen'\namount = 2024-01-01", "not a date or time"},
      {"[[stage]]\nop = 'sharpen'\namount = inf", "sharpen amount: 'inf' is not a number"},
      {"[[stage]]\nop = 'sharpen'\n'' = 3", "a parameter has no name"},
      {"[output]\ntemplat = 'x'", "r.toml:2: [output]: there is no key 'templat'; did you mean 'template'?"},
      {"[output]\nqualty = 3", "did you mean 'quality'?"},
      {"[output]\ntemplate = '/x'", "r.toml:2: [output]: template '/x' is absolute"},
      {"[output]\nformat = 'jpge'", "r.toml:2: [output]: there is no format 'jpge'; did you mean 'jpeg'?"},
      {"[output]\nformat = 'png'\ntemplate = '{name}.jpg'",
       "r.toml:3: [output]: the template ends in .jpg, but the format is png"},
      {"[output]\nformat = 'png'\nquality = 3",
       "r.toml:3: [output]: png has no option 'quality'; there are compression"},
      {"[output]\nformat = 'jpeg'\nquality = 101", "r.toml:3: [output]: jpeg quality: 101 is out of range"},
      {"[output]\nquality = {}", "quality must be a string, a number or true or false, not a table"},
      {"[output]\nkeep = 3", "r.toml:2: [output]: keep must be a string or an array of strings, not a number"},
      {"[output]\nkeep = [3]", "keep must be a string, not a number"},
      {"[output]\nkeep = ['exfi']", "did you mean 'exif'?"},
      {"[output]\nkeep = 'icc'\nstrip = 'xmp'", "r.toml:3: [output]: keep and strip exclude each other"},
      {"[output]\nbackground = 'whte'", "r.toml:2: [output]: background: 'whte' is not a colour"},
      {"[output]\non-exist = 'replace'", "r.toml:2: [output]: on-exist: 'replace' is not one of"},
      {"[[output]]\non-exist = 'skip'\n[[output]]\ntemplate='x.jpg'\non-exist = 'error'",
       "r.toml:5: [[output]] 2: on-exist is 'error' here and 'skip' in another"},
      {"[[output]]\n[[output]]\n", "two outputs have the template '{reldir}/{name}.{ext}'"},
      {"[[output]]\ntemplate='a'\n[[output]]\ntemplate='./a'", "two outputs have the template 'a'"},
      {"[[output]]\n[[output.stage]]\nop='x'", "r.toml:2: [[output.stage]] 1: there is no stage 'x'"},
      {"output = 3", "output must be [output] or [[output]], not a number"},
      {"a = \n", "r.toml:1: "},
      {"\n\n[output\n", "r.toml:3: "},
      {"\xff", "r.toml:1: "},
  };
  for (const Row& row : rows) {
    INFO(row.toml);
    CHECK_THAT(usage_message([&] { parse(row.toml); }), Catch::Contains(row.sentence));
  }
}

TEST_CASE("a recipe is read from its file") {
  const TempFolder folder;
  const std::string path = folder.file("r.toml", "[output]\nformat = 'png'\n");
  CHECK(load_recipe(path, test_vocabulary()).recipe.outputs[0].format == "png");
  const auto error = [](const std::string& file) {
    return usage_message([&] { load_recipe(file, test_vocabulary()); });
  };
  CHECK(error(folder / "none.toml") == "the recipe '" + (folder / "none.toml") + "' cannot be opened");
  CHECK_THAT(error(folder.path()), Catch::Contains("cannot be read"));
  CHECK_THAT(error(folder.file("big.toml", std::string((1 << 20) + 1, '#'))), Catch::Contains("larger than"));
  CHECK_THAT(error(folder.file("bad.toml", "x = 1")), Catch::StartsWith(folder / "bad.toml:1: there is no key 'x'"));
}

}  // namespace
}  // namespace tessera::pipeline
