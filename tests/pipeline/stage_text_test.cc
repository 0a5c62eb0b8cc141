#include "pipeline/stage_text.h"

#include <catch2/catch.hpp>
#include <random>

#include "tests/pipeline/usage_message.h"

namespace tessera::pipeline {
namespace {

TEST_CASE("a stage's line is split into its name and its parameters") {
  struct Row {
    std::string line;
    StageText expected;
  };
  const std::vector<Row> rows{
      {"flop", {"flop", {}}},
      {"  flop \t", {"flop", {}}},
      {"resize 1600x1600> filter=lanczos3", {"resize", {{"", "1600x1600>"}, {"filter", "lanczos3"}}}},
      {"resize filter=box 50%", {"resize", {{"filter", "box"}, {"", "50%"}}}},
      {"label 'a  b'", {"label", {{"", "a  b"}}}},
      {"label text=\"it's \\\"so\\\" \\\\\"", {"label", {{"text", "it's \"so\" \\"}}}},
      {"label a\\ b", {"label", {{"", "a b"}}}},
      {"label 'x=y'", {"label", {{"", "x=y"}}}},
      {"label x\\=y", {"label", {{"", "x=y"}}}},
      {"label text=x=y", {"label", {{"text", "x=y"}}}},
      {"label 'a'b\"c\"", {"label", {{"", "abc"}}}},
      {"label 'a\\b'", {"label", {{"", "a\\b"}}}},
      {"label ''", {"label", {{"", ""}}}},
      {"label text=", {"label", {{"text", ""}}}},
      {"label 2=3", {"label", {{"", "2=3"}}}},
  };
  for (const Row& row : rows) {
    INFO(row.line);
    CHECK(parse_stage_text(row.line) == row.expected);
  }
}

TEST_CASE("a stage's line that cannot be split says why") {
  struct Row {
    std::string line, sentence;
  };
  const std::vector<Row> rows{
      {"", "names no stage"},
      {"   ", "names no stage"},
      {"size=3 resize", "begins with 'size=3'"},
      {"'' x", "begins with ''"},
      {"label 'a", "quote ' is not closed"},
      {"label \"a\\\"", "quote \" is not closed"},
      {"label a\\", "backslash at the end"},
      {"label a b", "'b' has no name"},
  };
  for (const Row& row : rows) {
    INFO(row.line);
    CHECK_THAT(usage_message([&] { parse_stage_text(row.line); }), Catch::Contains(row.sentence));
  }
}

TEST_CASE("any stage written as a line is read back the same") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string_view bytes = "ab=' \"\\\t\n#>x1\xc3\xa9\xff";
  for (int round = 0; round < 2000; ++round) {
    StageText stage{"stage", {}};
    const std::size_t count = random() % 4;
    for (std::size_t i = 0; i < count; ++i) {
      std::string value;
      for (std::size_t n = random() % 6; n > 0; --n) value += bytes[random() % bytes.size()];
      stage.pairs.emplace_back(i == 0 && random() % 2 ? "" : "p" + std::to_string(i), value);
    }
    const std::string line = to_stage_text(stage.op, stage.pairs);
    INFO(line);
    REQUIRE(parse_stage_text(line) == stage);
  }
}

}  // namespace
}  // namespace tessera::pipeline
