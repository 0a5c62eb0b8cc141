#include "pipeline/recipe.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <random>

#include "pipeline/stage_text.h"
#include "tests/pipeline/test_vocabulary.h"
#include "tests/pipeline/usage_message.h"

namespace tessera::pipeline {
namespace {

using Pair = stages::Values::Pair;

RecipeFile parse(std::string_view toml) { return parse_recipe(toml, "r.toml", test_vocabulary()); }

StageSpec stage(std::string_view line) {
  const StageText text = parse_stage_text(line);
  return make_stage_spec(text.op, text.pairs, fmt::format("-s '{}'", line), test_vocabulary());
}

Recipe applied(const CommandLineOverrides& flags, std::string_view toml = "") {
  RecipeFile file = parse(toml);
  apply(flags, file, test_vocabulary());
  return file.recipe;
}

std::string apply_error(const CommandLineOverrides& flags, std::string_view toml = "") {
  return usage_message([&] { applied(flags, toml); });
}

TEST_CASE("equal recipes have one text however they were written") {
  const std::string canonical = R"(version = 1

[input]
fail-on = "truncated"
full-decode = false

[[stage]]
op = "resize"
size = "1600x1600>"
filter = "lanczos3"
linear = false

[[stage]]
op = "sharpen"
amount = 0.5
radius = 3

[output]
template = "{reldir}/{name}.jpg"
format = "jpeg"
background = "#ffffff"
keep = ["exif", "icc", "iptc", "xmp"]
quality = 82
progressive = false
)";
  CommandLineOverrides flags;
  flags.stages = {stage("resize '1600x1600>'"), stage("sharpen 0.50 radius=3.0")};
  flags.options = {{"quality", "82"}};
  flags.name_template = "./{reldir}/{name}.jpg";
  const std::vector<Recipe> same{applied(flags), parse(canonical).recipe,
                                 parse(R"(
        output = { quality = "82", template = "{reldir}/{name}.jpg", background = "white", keep = "all" }
        stage = [ { size = "1600x1600>", op = "resize" }, { op = "sharpen", radius = 3, amount = 5e-1 } ]
      )")
                                     .recipe,
                                 parse(R"(
        [[stage]]
        op = "resize"
        linear = "off"
        size = "1600x1600>"
        [[stage]]
        op = "sharpen"
        amount = 0.5
        radius = 3.0
        [[output]]
        format = "jpg"
        on-exist = "skip"
        template = "{reldir}/{name}.jpg"
        background = "#FFF"
        quality = 82.0
        strip = "none"
      )")
                                     .recipe};
  for (const Recipe& recipe : same) {
    CHECK(recipe.canonical() == canonical);
    CHECK(recipe.hash() == same[0].hash());
  }
}

TEST_CASE("the hash changes with everything that the recipe says") {
  const std::vector<std::string> recipes{"",
                                         "[input]\nfail-on='none'",
                                         "[input]\nfull-decode=true",
                                         "[[stage]]\nop='flop'",
                                         "[[stage]]\nop='flop'\n[[stage]]\nop='flop'",
                                         "[output]\n[[output.stage]]\nop='flop'",
                                         "[output]\nformat='png'",
                                         "[output]\nformat='png'\ncompression=5",
                                         "[output]\nquality=5",
                                         "[output]\nbackground='red'",
                                         "[output]\nkeep=[]",
                                         "[output]\nkeep='icc'",
                                         "[output]\ntemplate='{name}.{ext}'",
                                         "[[output]]\n[[output]]\ntemplate='{name}-2.{ext}'"};
  std::vector<std::array<std::byte, 16>> hashes;
  for (const std::string& toml : recipes) {
    INFO(toml);
    const auto hash = parse(toml).recipe.hash();
    CHECK(std::find(hashes.begin(), hashes.end(), hash) == hashes.end());
    hashes.push_back(hash);
  }
  CHECK(parse("[output]\non-exist='skip'").recipe.hash() == hashes[0]);
  CHECK(default_recipe().recipe.hash() == hashes[0]);
}

/// A random recipe through the same doors that people use.
RecipeFile random_recipe(std::mt19937& random) {
  const auto pick = [&](std::initializer_list<const char*> words) {
    return std::string(words.begin()[random() % words.size()]);
  };
  const auto random_stage = [&]() -> StageSpec {
    std::vector<Pair> pairs;
    const auto maybe = [&](const char* name, const std::string& value) {
      if (random() % 2) pairs.emplace_back(name, value);
    };
    std::string op = pick({"resize", "sharpen", "label", "window", "flop"});
    if (op == "resize") {
      pairs.emplace_back(
          "", pick({"100x", "50%", "1e3", "7", "true", "0x10", "x\"y\\z", "\t\n\x01\x7f", "\xc3\xa9", "1.50"}));
      maybe("filter", pick({"box", "catrom"}));
      maybe("linear", pick({"yes", "no", "1", "0"}));
    } else if (op == "sharpen") {
      maybe("amount", pick({"0.1", "-0", "1e-7", "3.0000000001", "9.99999999999999", "2"}));
      maybe("radius", pick({"1", "50", "5e0"}));
      maybe("tint", pick({"red", "#12345678", "#abc", "transparent"}));
    } else if (op == "label") {
      pairs.emplace_back(
          "text", pick({"-0", "007", "1e5", "inf", "nan", "[a]", "# no", "'''", "\"\"\"", "a = 1", "+1", "1_000"}));
      maybe("font", pick({"mono", "false", "1979-05-27"}));
    } else if (op == "window") {
      maybe("low", "0.25");
    }
    return make_stage_spec(op, pairs, "random", test_vocabulary());
  };
  RecipeFile file = default_recipe();
  file.recipe.full_decode = random() % 2;
  file.recipe.fail_on = static_cast<stages::FailOn>(random() % 3);
  file.recipe.outputs.resize(1 + random() % 3);
  for (std::size_t n = random() % 4; n > 0; --n) file.recipe.common.push_back(random_stage());
  int number = 0;
  for (OutputSpec& output : file.recipe.outputs) {
    output.name_template = fmt::format("{}{}/{}", pick({"{reldir}", "a{{", "{n:03}\\\"\xc3\xa9"}), ++number,
                                       pick({"{name}.{ext}", "{name}.jpg", "{name}", "{name}.WEBP"}));
    for (std::size_t n = random() % 3; n > 0; --n) output.stages.push_back(random_stage());
  }
  CommandLineOverrides flags;
  flags.background = pick({"white", "#102030", "gray"});
  if (random() % 2)
    flags.keep = pick({"exif", "icc,xmp", "none", "all", "xmp,iptc,icc"});
  else
    flags.strip = pick({"exif", "icc,xmp", "none", "all"});
  if (random() % 2) flags.options.emplace_back("quality", pick({"5", "99", "1e1"}));
  RecipeFile with_options = file;
  try {
    apply(flags, with_options, test_vocabulary());
    return with_options;
  } catch (const UsageError&) {  // quality for an output without a quality
    flags.options.clear();
    apply(flags, file, test_vocabulary());
    return file;
  }
}

TEST_CASE("the canonical text of any recipe parses back to itself") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 500; ++round) {
    const Recipe recipe = random_recipe(random).recipe;
    const std::string text = recipe.canonical();
    INFO(text);
    const Recipe again = parse(text).recipe;
    REQUIRE(again.canonical() == text);
    REQUIRE(again.hash() == recipe.hash());
    REQUIRE(again.common.size() == recipe.common.size());
    for (std::size_t i = 0; i < recipe.common.size(); ++i) REQUIRE(again.common[i].values == recipe.common[i].values);
    for (std::size_t i = 0; i < recipe.outputs.size(); ++i) {
      REQUIRE(again.outputs[i].keep == recipe.outputs[i].keep);
      REQUIRE(again.outputs[i].codec == recipe.outputs[i].codec);
      REQUIRE(again.outputs[i].stages.size() == recipe.outputs[i].stages.size());
    }
  }
}

TEST_CASE("a stage is checked with its place") {
  const auto error = [](std::string_view line) { return usage_message([&] { stage(line); }); };
  CHECK(error("sharpne 1") == "-s 'sharpne 1': there is no stage 'sharpne'; did you mean 'sharpen'?");
  CHECK_THAT(error("zzzzzzzzzz"), Catch::Contains("'tessera stages' lists them"));
  CHECK_THAT(error("resize"), Catch::Contains("'size' is missing") && Catch::Contains("as in 'resize 1600x1600>"));
  CHECK_THAT(error("resize ''"), Catch::Contains("size: the value is empty"));
  CHECK_THAT(error("label a font=''"), Catch::Contains("font: the value is empty"));
  CHECK_THAT(error("sharpen 11"), Catch::StartsWith("-s 'sharpen 11': sharpen amount: 11 is out of range"));
  CHECK_THAT(error("flop 1"), Catch::Contains("takes no parameter"));
  CHECK_THAT(error("flop \xff"), Catch::Contains("not UTF-8"));
  CHECK_THAT(error("label \xff"), Catch::Contains("not UTF-8"));
  CHECK(error("window 0.5 high=0.5") == "-s 'window 0.5 high=0.5': window: low must be below high");
  CHECK(stage("sharpen 2").stage != nullptr);
}

TEST_CASE("flags go over the recipe") {
  constexpr std::string_view kFile = R"(
    [[stage]]
    op = "flop"
    [output]
    format = "jpeg"
    quality = 82
    progressive = true
    strip = "exif"
  )";
  CommandLineOverrides flags;
  flags.stages = {stage("sharpen 2"), stage("flop")};
  flags.full_decode = true;
  flags.fail_on = "warning";
  flags.background = "black";
  flags.keep = "icc";
  Recipe recipe = applied(flags, kFile);
  REQUIRE(recipe.common.size() == 3);
  CHECK(recipe.common[1].op == "sharpen");
  CHECK(recipe.full_decode);
  CHECK(recipe.fail_on == stages::FailOn::warning);
  CHECK(recipe.outputs[0].background == "#000000");
  CHECK(recipe.outputs[0].keep == std::vector<std::string>{"icc"});
  CHECK(recipe.outputs[0].options == std::vector<Pair>{{"progressive", "true"}, {"quality", "82"}});

  flags = {.strip = "icc, xmp"};
  CHECK(applied(flags, kFile).outputs[0].keep == std::vector<std::string>{"exif", "iptc"});
  flags = {.options = {{"quality", "90"}}};
  CHECK(applied(flags, kFile).outputs[0].options == std::vector<Pair>{{"progressive", "true"}, {"quality", "90"}});
  CHECK(applied({}, kFile).canonical() == parse(kFile).recipe.canonical());
}

TEST_CASE("another format keeps the file's options that it understands") {
  constexpr std::string_view kFile = "[output]\nformat='jpeg'\nquality=82\nprogressive=true";
  CommandLineOverrides flags{.format = "webp"};
  OutputSpec output = applied(flags, kFile).outputs[0];
  CHECK(output.format == "webp");
  CHECK(output.options == std::vector<Pair>{{"quality", "82"}});
  flags.options = {{"lossless", "true"}};
  CHECK(applied(flags, kFile).outputs[0].options == std::vector<Pair>{{"lossless", "true"}, {"quality", "82"}});
  flags.options = {{"progressive", "true"}};
  CHECK_THAT(apply_error(flags, kFile), Catch::Contains("webp has no option 'progressive'"));
  flags = {.format = "png"};
  CHECK(applied(flags, kFile).outputs[0].options.empty());

  // webp takes a quality of 0, jpeg does not.
  CHECK(applied({.format = "jpg"}, "[output]\nformat='webp'\nquality=0").outputs[0].options.empty());
}

TEST_CASE("a template's extension names the format") {
  CommandLineOverrides flags{.name_template = "{name}.png"};
  CHECK(applied(flags).outputs[0].format == "png");
  CHECK(applied(flags, "[output]\nformat='jpeg'").outputs[0].format == "png");
  CHECK(applied({.name_template = "{name}"}, "[output]\nformat='jpeg'").outputs[0].format == "jpeg");
  CHECK(applied({.name_template = "{name}.v2"}, "[output]\nformat='jpeg'").outputs[0].format == "jpeg");
  CHECK(applied({.name_template = "{name}.{ext}"}).outputs[0].codec == nullptr);
  CHECK_THAT(apply_error({.name_template = "{name}.xyz"}), Catch::Contains("no format writes '.xyz'"));
  flags.format = "webp";
  CHECK_THAT(apply_error(flags), Catch::Contains("ends in .png, but the format is webp"));
  CHECK_THAT(apply_error({.name_template = "{name"}), Catch::StartsWith("command line: template '{name'"));
  CHECK_THAT(apply_error({.name_template = "\xff"}), Catch::Contains("not UTF-8"));
  CHECK_THAT(apply_error({.name_template = "{name}"}, "[[output]]\n[[output]]\ntemplate='{n}'"),
             Catch::Contains("2 outputs"));
}

TEST_CASE("flags that mean nothing are refused") {
  struct Row {
    CommandLineOverrides flags;
    std::string sentence;
  };
  const std::vector<Row> rows{
      {{.format = "jpge"}, "there is no format 'jpge'; did you mean 'jpeg'?"},
      {{.format = "zzzzzz"}, "there are jpeg, png, webp"},
      {{.options = {{"qualty", "3"}}}, "no format has an option 'qualty'; did you mean 'quality'?"},
      {{.options = {{"quality", "3"}, {"quality", "4"}}}, "'quality' is given twice"},
      {{.options = {{"quality", "0"}}},
       "jpeg quality: 0 is out of range"},  // webp would take it, a jpeg input would not
      {{.options = {{"compression", "x"}}}, "png compression: 'x' is not a whole number"},
      {{.keep = "exif,gps"}, "'gps' is not a kind of metadata"},
      {{.keep = "all,icc"}, "'all' is not a kind of metadata"},
      {{.keep = "icc", .strip = "xmp"}, "exclude each other"},
      {{.background = "#12345678"}, "is not opaque"},
      {{.background = "whitish"}, "is not a colour"},
      {{.fail_on = "truncate"}, "did you mean 'truncated'?"},
  };
  for (const Row& row : rows) {
    INFO(row.sentence);
    CHECK_THAT(apply_error(row.flags), Catch::StartsWith("command line: ") && Catch::Contains(row.sentence));
  }
}

TEST_CASE("settings are the codec's own part of the options, completed") {
  const Recipe recipe = applied({.options = {{"quality", "40"}, {"lossless", "yes"}}});
  const Vocabulary& words = test_vocabulary();
  const OutputSpec& output = recipe.outputs[0];
  CHECK(settings_for(output, *words.find_codec("jpeg")).pairs() ==
        std::vector<Pair>{{"quality", "40"}, {"progressive", "false"}, {"chroma", ""}});
  CHECK(settings_for(output, *words.find_codec("webp")).pairs() ==
        std::vector<Pair>{{"quality", "40"}, {"lossless", "true"}});
  CHECK(settings_for(output, *words.find_codec("png")).pairs() == std::vector<Pair>{{"compression", "6"}});
}

}  // namespace
}  // namespace tessera::pipeline
