#include "stages/lookup.h"

#include <catch2/catch.hpp>

#include "tests/stages/naive.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {
OwnedImage applied(const Operation& operation, const OwnedImage& in) {
  OwnedImage out(operation.output());
  Scratch scratch;
  operation.apply(in.view(), out.view(), scratch);
  return out;
}
}  // namespace

TEST_CASE("a tone operation gives each channel its curve and leaves alpha alone", "[lookup]") {
  std::mt19937 random(test_seed());
  for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
    for (const bool alpha : {false, true}) {
      const OwnedImage in(random_image(random, 37, 11, {Model::bgr, depth, alpha}));
      const auto operation =
          tone_operation(in.info(), {[](double v) { return 1 - v; }, [](double v) { return v / 2; }});
      const NaiveImage before = in.naive(), after = applied(*operation, in).naive();
      const double max = before.max_value();
      for (int x = 0; x < 37; ++x) {
        CHECK(after.at(x, 5, 0) == Approx(max - before.at(x, 5, 0)).margin(1e-6));
        for (int c : {1, 2}) {  // the last curve serves the remaining colours
          const double half = before.at(x, 5, c) / 2;
          CHECK(after.at(x, 5, c) == Approx(depth == Depth::f32 ? half : std::floor(half + 0.5)).margin(1e-6));
        }
        if (alpha) CHECK(after.at(x, 5, 3) == before.at(x, 5, 3));
      }
      CHECK(operation->table().has_value() == (depth != Depth::f32));
    }
}

TEST_CASE("two composed tables are one after the other", "[lookup]") {
  std::mt19937 random(test_seed());
  for (const Depth depth : {Depth::u8, Depth::u16})
    for (const Model model : {Model::gray, Model::bgr})
      for (const bool alpha : {false, true}) {
        const OwnedImage in(random_image(random, 40, 30, {model, depth, alpha}));
        const auto table = [&] {
          LookupTable t{in.info().format.channels(), depth == Depth::u8 ? 256 : 65536, {}};
          std::uniform_int_distribution<int> level(0, t.levels - 1);
          for (int i = 0; i < t.channels * t.levels; ++i)
            t.entries.push_back(static_cast<std::uint16_t>(level(random)));
          return t;
        };
        const LookupTable first = table(), second = table();
        const OwnedImage both = applied(*lookup_operation(in.info(), compose(first, second)), in);
        const OwnedImage one_by_one =
            applied(*lookup_operation(in.info(), second), applied(*lookup_operation(in.info(), first), in));
        CHECK(both.naive().samples == one_by_one.naive().samples);
      }
}
