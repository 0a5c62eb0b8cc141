#include "stages/geometry/crop.h"

#include <catch2/catch.hpp>

#include "tests/stages/geometry/reference.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

struct Window {
  int x0, y0, x1, y1;
};

// The part of the image inside the window, by the most obvious loop.
NaiveImage cut(const NaiveImage& in, Window w) {
  w = {std::max(w.x0, 0), std::max(w.y0, 0), std::min(w.x1, in.width), std::min(w.y1, in.height)};
  NaiveImage out = make_naive(w.x1 - w.x0, w.y1 - w.y0, in.format);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x)
      for (int c = 0; c < in.channels(); ++c) out.at(x, y, c) = in.at(x + w.x0, y + w.y0, c);
  return out;
}

StageCase crop_case(std::vector<Values::Pair> parameters, std::function<Window(int, int)> window) {
  StageCase test;
  test.op = "crop";
  test.parameters = std::move(parameters);
  test.naive = [window](const NaiveImage& in) { return cut(in, window(in.width, in.height)); };
  return test;
}

Region window_of(const std::vector<Values::Pair>& parameters, int width, int height) {
  const auto stage = make_stage("crop", parameters);
  const ImageInfo in = image_info(width, height, {});
  const auto operation = stage->bind(in, {});
  CHECK(stage->output(in) == operation->output());
  return operation->required_input(operation->output().bounds());
}

}  // namespace

TEST_CASE("crop copies the part that the geometry names, clipped to the image", "[crop]") {
  check_stage(crop_case({{"", "300x200-20-7"}}, [](int, int) { return Window{-20, -7, 280, 193}; }));
  check_stage(crop_case({{"", "50%x50%"}}, [](int w, int h) {
    const int cw = std::max(1, (w + 1) / 2), ch = std::max(1, (h + 1) / 2);
    return Window{(w - cw) / 2, (h - ch) / 2, (w - cw) / 2 + cw, (h - ch) / 2 + ch};
  }));
}

TEST_CASE("crop windows", "[crop]") {
  CHECK(window_of({{"", "640x480+100+50"}}, 1000, 800) == Region{100, 50, 740, 530});
  CHECK(window_of({{"", "640x480+900+700"}}, 1000, 800) == Region{900, 700, 1000, 800});
  CHECK(window_of({{"", "640x480-100-50"}}, 1000, 800) == Region{0, 0, 540, 430});
  CHECK(window_of({{"", "640x480"}}, 1001, 801) == Region{180, 160, 820, 640});
  CHECK(window_of({{"", "640x480"}, {"gravity", "northwest"}}, 1000, 800) == Region{0, 0, 640, 480});
  CHECK(window_of({{"", "640x480"}, {"gravity", "south"}}, 1000, 800) == Region{180, 320, 820, 800});
  CHECK(window_of({{"", "640x480+10+20"}, {"gravity", "southeast"}}, 1000, 800) == Region{350, 300, 990, 780});
  CHECK(window_of({{"", "640x480+10+20"}, {"gravity", "center"}}, 1000, 800) == Region{190, 180, 830, 660});
  CHECK(window_of({{"", "2000x100"}}, 1000, 800) == Region{0, 350, 1000, 450});
  CHECK(window_of({{"", "300x+5+6"}}, 1000, 800) == Region{5, 6, 305, 800});
  CHECK(window_of({{"", "x300"}}, 1000, 800) == Region{0, 250, 1000, 550});
  CHECK(window_of({{"", "25%x50%+1+2"}}, 1000, 800) == Region{1, 2, 251, 402});
  CHECK(window_of({{"", "50%"}}, 1000, 800) == Region{250, 200, 750, 600});
}

TEST_CASE("a crop outside the image says so", "[crop]") {
  const auto stage = make_stage("crop", {{"", "10x10+1000+0"}});
  CHECK_THROWS_WITH(stage->output(image_info(1000, 800, {})),
                    "the crop 10x10+1000+0 lies outside the image, which is 1000x800");
  CHECK_THROWS_AS(make_stage("crop", {{"", "67108864x1+67108864+0"}})->output(image_info(1000, 800, {})), ImageError);
}

TEST_CASE("crop keeps the samples of coarse planes that touch its window", "[crop]") {
  std::mt19937 random(test_seed());
  for (const Region window :
       {Region{37, 21, 180, 99}, Region{0, 0, 1, 1}, Region{212, 130, 213, 131}, Region{1, 2, 213, 131}})
    for (const int scale : {0, 1, 2}) {
      const OwnedImage image = noise_image(planar_info(213, 131, scale, 1, 1), random);
      const auto operation = crop_operation(image.info(), window);
      const OwnedImage out = run_operation(*operation, image);
      for (int p = 0; p < 3; ++p) {
        const Region touched = samples(image.info(), p, window);
        const auto plane = reference_plane(out.info(), out.view(), p),
                   full = reference_plane(image.info(), image.view(), p);
        REQUIRE(plane.width == touched.width());
        REQUIRE(plane.height == touched.height());
        for (int y = 0; y < plane.height; ++y)
          for (int x = 0; x < plane.width; ++x)
            REQUIRE(plane.at(x, y, 0) == full.at(x + touched.x0, y + touched.y0, 0));
      }
      check_tilings(*operation, image, random);
      // A second crop on the phase that the first one left.
      if (window.width() > 20) check_tilings(*crop_operation(out.info(), {3, 5, 20, 19}), out, random);
    }
}
