#include "stages/values.h"

#include <catch2/catch.hpp>

using namespace tessera::stages;

namespace {

const std::vector<Parameter>& parameters() {
  static const std::vector<Parameter> list{
      {"amount", ParameterType::number, "How much", "0.5", false, "%", 0, 10},
      {"radius", ParameterType::integer, "How far", "", true, "px", 1},
      {"smooth", ParameterType::boolean, "Whether", "false"},
      {"filter", ParameterType::choice, "Which", "cubic", false, "", {}, {}, {"cubic", "lanczos3"}},
      {"background", ParameterType::color, "Behind", ""},
      {"title", ParameterType::text, "Name", ""}};
  return list;
}

Values parse(std::vector<Values::Pair> pairs) { return Values::parse("blur", parameters(), pairs); }

}  // namespace

TEST_CASE("values are complete, in order and canonical", "[values]") {
  const Values v = parse({{"radius", "4.0"}, {"", "1.50"}, {"smooth", "yes"}, {"background", "white"}});
  CHECK(v.pairs() == std::vector<Values::Pair>{{"amount", "1.5"},
                                               {"radius", "4"},
                                               {"smooth", "true"},
                                               {"filter", "cubic"},
                                               {"background", "#ffffff"},
                                               {"title", ""}});
  CHECK(v.number("amount") == 1.5);
  CHECK(v.integer("radius") == 4);
  CHECK(v.boolean("smooth"));
  CHECK(v.color("background").red == 1);
  CHECK_FALSE(v.has("title"));
  CHECK(v == parse({{"background", "#fff"}, {"amount", "15e-1"}, {"radius", "4"}, {"smooth", "1"}}));
  CHECK(parse({{"amount", "-0"}, {"radius", "1"}}).text("amount") == "0");
}

TEST_CASE("a wrong value is refused in a sentence", "[values]") {
  using P = std::vector<Values::Pair>;
  const std::vector<std::pair<P, std::string>> cases{
      {{}, "blur: 'radius' is missing (How far)"},
      {{{"radius", "2.5"}}, "blur radius: '2.5' is not a whole number"},
      {{{"radius", "x"}}, "blur radius: 'x' is not a whole number"},
      {{{"radius", "0"}}, "blur radius: 0 is out of range; it must be at least 1 px"},
      {{{"radius", "1e300"}}, "blur radius: 1e300 is out of range"},
      {{{"", "11"}, {"radius", "1"}}, "blur amount: 11 is out of range; it must be between 0 and 10 %"},
      {{{"amount", "nan"}, {"radius", "1"}}, "blur amount: 'nan' is not a number"},
      {{{"amount", "1,5"}, {"radius", "1"}}, "blur amount: '1,5' is not a number"},
      {{{"raduis", "1"}}, "blur: there is no parameter 'raduis'; did you mean 'radius'?"},
      {{{"zzzzzzzzz", "1"}},
       "blur: there is no parameter 'zzzzzzzzz'; it takes amount, radius, smooth, filter, background, title"},
      {{{"", "1"}, {"amount", "2"}, {"radius", "1"}}, "blur: 'amount' is given twice"},
      {{{"radius", "1"}, {"smooth", "maybe"}}, "blur smooth: 'maybe' is not true or false"},
      {{{"radius", "1"}, {"filter", "lanczos"}},
       "blur filter: 'lanczos' is not one of cubic, lanczos3; did you mean 'lanczos3'?"},
      {{{"radius", "1"}, {"background", "#12"}},
       "blur background: '#12' is not a colour (write #rrggbb, #rrggbbaa, #rgb or a name such as white)"}};
  for (const auto& [pairs, sentence] : cases) CHECK_THROWS_WITH(parse(pairs), sentence);
  CHECK_THROWS_WITH(Values::parse("invert", {}, P{{"", "3"}}), "invert: takes no parameter, but '3' was given");
  CHECK_THROWS_WITH(Values::parse("invert", {}, P{{"a", "3"}}), "invert: there is no parameter 'a'; it takes none");
}

TEST_CASE("colours are read in every spelling", "[values]") {
  const Color c = parse_color("#ff800040");
  CHECK(c.red == 1);
  CHECK(c.green == Approx(128 / 255.0));
  CHECK(c.blue == 0);
  CHECK(c.alpha == Approx(64 / 255.0));
  CHECK(parse_color("#f80").green == Approx(0x88 / 255.0));
  CHECK(parse_color("transparent").alpha == 0);
  CHECK(parse_color("red").gray() == Approx(0.299));
  for (const char* wrong : {"", "#", "#12345g", "reddish", "ff0000"})
    CHECK_THROWS_AS(parse_color(wrong), std::invalid_argument);
}

TEST_CASE("the nearest name is near enough to be meant, or none", "[values]") {
  const std::vector<std::string_view> known{"resize", "sharpen", "rotate"};
  CHECK(nearest("reszie", known) == "resize");
  CHECK(nearest("sharp", known) == "sharpen");
  CHECK(nearest("watermark", known).empty());
}
