#include "pipeline/glob.h"

#include <catch2/catch.hpp>
#include <random>

#include "tests/pipeline/usage_message.h"

namespace tessera::pipeline {
namespace {

TEST_CASE("patterns match names as in a shell") {
  struct Row {
    std::string pattern, name;
    bool expected;
  };
  const std::vector<Row> rows{{"*", "", true},
                              {"*", "a.jpg", true},
                              {"*", ".hidden", false},
                              {".*", ".hidden", true},
                              {"\\.h*", ".hidden", true},
                              {"?hidden", ".hidden", false},
                              {"[.]a", ".a", false},
                              {"*.jpg", "a.jpg", true},
                              {"*.jpg", "a.jpg2", false},
                              {"*.jpg", "a.JPG", false},
                              {"a*b*c", "aXbXbXc", true},
                              {"a*b*c", "aXbXbX", false},
                              {"?", "a", true},
                              {"?", "\xc3\xa9", true},
                              {"?", "\xff", true},
                              {"?\?", "\xc3\xa9", false},
                              {"?", "", false},
                              {"[abc]", "b", true},
                              {"[!abc]", "b", false},
                              {"[^abc]", "d", true},
                              {"[a-c]x", "bx", true},
                              {"[a-c]", "d", false},
                              {"[]a]", "]", true},
                              {"[!]]", "]", false},
                              {"[a-]", "-", true},
                              {"[\\]]", "]", true},
                              {"[\xc3\xa0-\xc3\xbf]", "\xc3\xa9", true},
                              {"[abc", "[abc", true},
                              {"a\\*b", "a*b", true},
                              {"a\\*b", "aXb", false},
                              {"a\\", "a\\", true},
                              {"**", "abc", true},
                              {"", "", true},
                              {"", "a", false},
                              {"a**", "a", true},
                              {"*\xc3*", "\xc3\xa9", false}};
  for (const Row& row : rows) {
    INFO(row.pattern << " against " << row.name);
    CHECK(matches_glob(row.pattern, row.name) == row.expected);
  }
}

/// The definition, tried in every way: exponential, for short ASCII words only.
bool matches_naively(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*')
    return matches_naively(pattern.substr(1), name) || (!name.empty() && matches_naively(pattern, name.substr(1)));
  return !name.empty() && (pattern[0] == '?' || pattern[0] == name[0]) &&
         matches_naively(pattern.substr(1), name.substr(1));
}

TEST_CASE("matching agrees with its definition on random words") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto word = [&](std::string_view letters, std::size_t longest) {
    std::string text;
    for (std::size_t n = random() % (longest + 1); n > 0; --n) text += letters[random() % letters.size()];
    return text;
  };
  int matched = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string pattern = word("ab*?*", 7), name = word("ab", 9);
    INFO(pattern << " against " << name);
    const bool expected = matches_naively(pattern, name);
    matched += expected;
    REQUIRE(matches_glob(pattern, name) == expected);
  }
  CHECK(matched > 1000);
}

TEST_CASE("braces stand for several patterns") {
  using Words = std::vector<std::string>;
  CHECK(expand_braces("a") == Words{"a"});
  CHECK(expand_braces("{a,b}/*.{jpg,png}") == Words{"a/*.jpg", "a/*.png", "b/*.jpg", "b/*.png"});
  CHECK(expand_braces("x{a,{b,c}d,}y") == Words{"xay", "xbdy", "xcdy", "xy"});
  CHECK(expand_braces("{a}") == Words{"{a}"});
  CHECK(expand_braces("{{a,b}}") == Words{"{a}", "{b}"});
  CHECK(expand_braces("{a,b") == Words{"{a,b"});
  CHECK(expand_braces("{a,{b,c}") == Words{"{a,b", "{a,c"});
  CHECK(expand_braces("\\{a,b}") == Words{"\\{a,b}"});
  CHECK(expand_braces("{a\\,b,c}") == Words{"a\\,b", "c"});
  std::string bomb;
  for (int i = 0; i < 40; ++i) bomb += "{a,b}";
  CHECK_THAT(usage_message([&] { expand_braces(bomb); }), Catch::Contains("more than 10000 patterns"));
}

TEST_CASE("a pattern is split at its first wildcard") {
  struct Row {
    std::string pattern, folder;
    std::vector<std::string> components;
  };
  const std::vector<Row> rows{
      {"*.jpg", ".", {"*.jpg"}},  {"a/b/*.jpg", "a/b", {"*.jpg"}},           {"/a/**/x?.jpg", "/a", {"**", "x?.jpg"}},
      {"/*.jpg", "/", {"*.jpg"}}, {"../a//*/b.jpg", "../a", {"*", "b.jpg"}}, {"a\\*b/?", "a*b", {"?"}},
      {"a/b.jpg", "a/b.jpg", {}}};
  for (const Row& row : rows) {
    INFO(row.pattern);
    CHECK(split_glob(row.pattern).folder == row.folder);
    CHECK(split_glob(row.pattern).components == row.components);
  }
  CHECK_THAT(usage_message([] { split_glob("*/../a"); }), Catch::Contains("'..' cannot follow a wildcard"));
}

TEST_CASE("only unescaped wildcards make a pattern") {
  for (const char* text : {"a*", "?", "[", "{a,b}"}) CHECK(has_glob_characters(text));
  for (const char* text : {"", "a.jpg", "a\\*b", "\\[x", "a]b}"}) CHECK_FALSE(has_glob_characters(text));
}

}  // namespace
}  // namespace tessera::pipeline
