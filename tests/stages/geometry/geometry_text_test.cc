#include "stages/geometry/geometry_text.h"

#include <catch2/catch.hpp>
#include <string>

#include "stages/image.h"
#include "tests/stages/naive.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

struct Size {
  int width, height;
  bool operator==(const Size&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Size& s) { return out << s.width << "x" << s.height; }

Size size_of(const std::vector<Values::Pair>& parameters, Size in) {
  const auto out = make_stage("resize", parameters)->output({in.width, in.height, {}, {}, 0});
  return {out->width, out->height};
}

std::string error_of(const std::string& op, const std::vector<Values::Pair>& parameters) {
  try {
    make_stage(op, parameters);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("resize reads geometry as ImageMagick does", "[geometry_text]") {
  struct Case {
    const char* text;
    Size in, out;
  };
  // The sizes are those of `convert -size WxH xc: -resize TEXT info:` (ImageMagick 6.9.11).
  const Case cases[]{
      {"800x600", {4000, 3000}, {800, 600}},   {"800x600", {3000, 4000}, {450, 600}},
      {"800x600", {4001, 2001}, {800, 400}},   {"800x600", {100, 100}, {600, 600}},
      {"1024x", {2725, 2225}, {1024, 836}},    {"1024", {2725, 2225}, {1024, 836}},
      {"x768", {2725, 2225}, {941, 768}},      {"1024x1024", {10000, 3}, {1024, 1}},
      {"50%", {2725, 2225}, {1363, 1113}},     {"50%", {1, 1}, {1, 1}},
      {"50%x25%", {2725, 2225}, {1363, 556}},  {"150%", {101, 7}, {152, 11}},
      {"12.5%", {800, 600}, {100, 75}},        {"800x600>", {400, 300}, {400, 300}},
      {"800x600>", {400, 1200}, {200, 600}},   {"800x600>", {1600, 1200}, {800, 600}},
      {"800x600<", {400, 300}, {800, 600}},    {"800x600<", {1600, 1200}, {1600, 1200}},
      {"800x600<", {400, 1200}, {400, 1200}},  {"800x600!", {4000, 1000}, {800, 600}},
      {"800x600!>", {4000, 100}, {800, 100}},  {"800x600!<", {4000, 100}, {4000, 600}},
      {"800x600^", {4000, 1000}, {2400, 600}}, {"800x600^", {1000, 4000}, {800, 3200}},
      {"800x600^>", {400, 300}, {400, 300}},   {"1x1", {6000, 4000}, {1, 1}},
  };
  for (const Case& c : cases) {
    INFO(c.text << " on " << c.in);
    CHECK(size_of({{"", c.text}}, c.in) == c.out);
  }
  // ImageMagick rounds this to nothing and fails; a side here has at least one pixel.
  CHECK(size_of({{"", "0.1%"}}, {100, 100}) == Size{1, 1});
}

TEST_CASE("fit and only say the same without shell quoting", "[geometry_text]") {
  const Size tall{3000, 4000}, small{400, 300};
  CHECK(size_of({{"", "800x600"}, {"fit", "inside"}}, tall) == Size{450, 600});
  CHECK(size_of({{"", "800x600"}, {"fit", "fill"}}, tall) == Size{800, 600});
  CHECK(size_of({{"", "800x600"}, {"fit", "cover"}}, tall) == Size{800, 600});
  CHECK(size_of({{"", "800x600"}, {"fit", "pad"}}, tall) == Size{800, 600});
  CHECK(size_of({{"", "800x600"}, {"only", "shrink"}}, small) == small);
  CHECK(size_of({{"", "200x200"}, {"only", "enlarge"}}, small) == small);
  CHECK(size_of({{"", "800x200"}, {"fit", "cover"}, {"only", "shrink"}}, small) == Size{400, 200});
  CHECK(size_of({{"", "800x600"}, {"fit", "pad"}, {"only", "shrink"}}, small) == Size{800, 600});
  CHECK(size_of({{"", "50%x50%"}, {"fit", "cover"}}, {301, 201}) == Size{151, 101});
}

TEST_CASE("the decoder may shrink as far as the resampler keeps something to do", "[geometry_text]") {
  const auto scale = [](const std::vector<Values::Pair>& parameters, Size in, bool exact = false) {
    return make_stage("resize", parameters)->decode_scale_log2({in.width, in.height, {}, {}, 0}, exact);
  };
  CHECK(scale({{"", "720x"}}, {2725, 2225}) == 1);
  CHECK(scale({{"", "1600x1600"}}, {6000, 4000}) == 1);
  CHECK(scale({{"", "1200x"}}, {2725, 2225}) == 1);
  CHECK(scale({{"", "1200x"}}, {2725, 2225}, true) == 0);
  CHECK(scale({{"", "720x"}}, {2725, 2225}, true) == 1);
  CHECK(scale({{"", "2725x"}}, {2725, 2225}) == 0);
  CHECK(scale({{"", "2000x"}}, {2725, 2225}) == 0);
  CHECK(scale({{"", "5000x"}}, {2725, 2225}) == 0);
  CHECK(scale({{"", "340x"}}, {2725, 2225}) == 2);
  CHECK(scale({{"", "16x"}}, {2725, 2225}) == 3);
  CHECK(scale({{"", "720x"}, {"filter", "nearest"}}, {2725, 2225}) == 0);
  // A cover or a distortion shrinks its two sides differently: the lesser shrink decides.
  CHECK(scale({{"", "300x2000!"}}, {2725, 2225}) == 0);
  CHECK(scale({{"", "300x1100"}, {"fit", "cover"}}, {2725, 2225}) == 0);
}

TEST_CASE("geometry that means nothing is refused with a sentence", "[geometry_text]") {
  for (const char* text :
       {"",          "x",           "axb",       "800x600x", "0x10",   "-5x5", "800*600",      "1.5x2",
        "800x600>>", "800x600><",   "800x600!^", "50x25%",   "50%x25", "1e3x", "99999999999x", "800x600+1",
        "+1+2",      "800x600+a+b", "800x600 ",  "nanx",     "infx"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_geometry(text), std::invalid_argument);
  }
  CHECK(error_of("resize", {{"", "800y600"}}).find("'800y600' is not a geometry") != std::string::npos);
  CHECK(error_of("resize", {{"", "800x600+1+1"}}).find("only crop takes one") != std::string::npos);
  CHECK(error_of("resize", {{"", "800x"}, {"fit", "cover"}}).find("needs both") != std::string::npos);
  CHECK(error_of("resize", {{"", "800x600!"}, {"fit", "pad"}}).find("excludes fit=pad") != std::string::npos);
  CHECK(error_of("resize", {{"", "800x600>"}, {"only", "enlarge"}}).find("excludes only=enlarge") != std::string::npos);
  CHECK(error_of("crop", {{"", "800x600>"}}).find("resize only") != std::string::npos);
  CHECK(error_of("pad", {}).find("neither a size nor a side") != std::string::npos);
  CHECK(error_of("pad", {{"", "10x10+1+1"}}).find("takes WxH and a gravity") != std::string::npos);
  CHECK_THROWS_AS(size_of({{"", "60000000%"}}, {1000, 1000}), ImageError);
  CHECK_THROWS_AS(size_of({{"", "60000000x"}}, {1000, 9000}), ImageError);
}

TEST_CASE("offsets may have either sign", "[geometry_text]") {
  const GeometryText g = parse_geometry("640x480+10-20");
  CHECK(g.width->value == 640);
  CHECK(g.height->value == 480);
  REQUIRE(g.offset);
  CHECK((*g.offset)[0] == 10);
  CHECK((*g.offset)[1] == -20);
}
