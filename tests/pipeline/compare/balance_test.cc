// The balance experiment on a tiny set: its structure, its sums, and that it notices what must not be.
#include "pipeline/compare/balance.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "pipeline/compare/balance_set.h"
#include "pipeline/compare/balance_words.h"
#include "pipeline/compare/run_outputs.h"
#include "pipeline/usage_error.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace {

using namespace pipeline;

struct SmallSet {
  explicit SmallSet(const std::string& recipe = "version = 1\n[[stage]]\nop = \"gaussian\"\nsigma = 2.0\n") {
    write_photos(folder / "in", 3, 300, 200);
    std::filesystem::create_directory(folder / "work");
    set.program = TESSERA_PROGRAM;
    set.inputs = {folder / "in"};
    for (const char* name : {"p00.jpg", "p01.jpg", "p02.jpg"}) set.paths.push_back(folder / "in/" + name);
    set.recipe_path = folder / "recipe.toml";
    write_file(set.recipe_path, recipe);
    set.recipe_words = {"recipe.toml"};
    set.work = folder / "work";
  }
  TemporaryFolder folder;
  RunSet set;
};

double median(const Json& way, const char* what) { return way.at(what).at("median").get<double>(); }

/// A section with the medians that words are made of; the way with tiles against the one without: `ratio`.
Json section_of(bool significant, double ratio) {
  const auto way = [](const char* id, double wall) {
    Json made{{"id", id}};
    for (const char* what : {"wall_s", "tail_s", "imbalance", "utilisation"})
      made[what] = {{"median", what == std::string("wall_s") ? wall : 0.5}};
    return made;
  };
  const auto pair = [&](int a, int b, bool differs, double r) {
    return Json{
        {"a", a}, {"b", b}, {"significant", differs}, {"ratio", {{"ratio", r}, {"low", r * 0.99}, {"high", r * 1.01}}}};
  };
  return {{"workers", 2},
          {"ways", {way("static", 2), way("dynamic", 1), way("dynamic-tiles", 1 / ratio)}},
          {"pairs", {pair(0, 1, true, 2), pair(0, 2, true, 2), pair(1, 2, significant, ratio)}}};
}

}  // namespace

TEST_CASE("the skewed set has many small pictures, and the huge ones last", "[balance]") {
  const SmallSet small;
  BalanceRequest request{.set = small.set};
  request.huge = 4;  // of three pictures
  request.huge_megapixels = 0.54;
  const BalanceSet set = make_balance_set(request, small.set.work);
  CHECK(set.huge == 4);
  REQUIRE(set.paths.size() == 64);
  CHECK(std::ranges::is_sorted(set.paths));
  for (std::size_t i = 0; i < set.paths.size(); ++i) {
    const OwnedImage image = read_picture(set.paths[i]);
    CHECK(image.info().width == (i < 60 ? 300 : 900));
    CHECK(image.info().height == (i < 60 ? 200 : 600));
  }
}

TEST_CASE("huge pictures are JPEGs of one size, whatever they are made from", "[balance]") {
  SmallSet small;
  write_picture(small.folder / "in/p03.png", picture(310, 470, 3), "png");  // the largest file, and upright
  small.set.paths.push_back(small.folder / "in/p03.png");
  BalanceRequest request{.set = small.set};
  request.huge_megapixels = 0.54;
  const BalanceSet set = make_balance_set(request, small.set.work);
  REQUIRE(set.paths.size() == 63);
  for (std::size_t i = 0; i < set.paths.size(); ++i) {
    INFO(set.paths[i]);
    CHECK(set.paths[i].ends_with(".jpg"));
    CHECK(read_file(set.paths[i]).starts_with("\xff\xd8"));
    if (i < 60) continue;
    CHECK(read_picture(set.paths[i]).info().width == 900);
    CHECK(read_picture(set.paths[i]).info().height == 600);
  }
}

TEST_CASE("tiles are named where they ran, and what kept them from it is what really did", "[balance]") {
  const auto of_one = [](const std::string& recipe) {  // 17 megapixels, alone: fewer pictures than workers
    SmallSet small(recipe);
    write_picture(small.folder / "in/p00.jpg", picture(5000, 3400, 1), "jpeg");
    small.set.inputs = {small.set.paths[0]};
    small.set.paths.resize(1);
    BalanceRequest request{.set = small.set};
    request.as_is = true;
    request.runs = 1;
    Random random(1);
    return compare_balance(request, random);
  };
  const Json staged = of_one("version = 1\n[[stage]]\nop = \"gamma\"\nvalue = 1.2\n");
  CHECK(staged.at("ways").at(2).at("name") == "dynamic dispatch with tiles");
  CHECK_THAT(staged.at("explanation").get<std::string>(), Catch::Contains("With 1 picture cut into"));
  const Json reduced = of_one("version = 1\n[[stage]]\nop = \"resize\"\nsize = \"300x\"\n");
  CHECK(reduced.at("ways").at(2).at("name") == "dynamic dispatch, tiles allowed, none cut");
  CHECK_THAT(reduced.at("explanation").get<std::string>(), Catch::Contains("would not have saved a fifth"));
}

TEST_CASE("each reason for which nothing is cut has its own sentence", "[balance]") {
  const auto says = [](const BalanceFacts& facts) { return balance_explanation(section_of(false, 1), facts); };
  BalanceFacts facts{.images = 63, .huge = 3, .huge_megapixels = 50, .runs = 7};
  CHECK_THAT(says(facts), Catch::Contains("more than 8 megapixels"));
  facts.declined = 3;
  CHECK_THAT(says(facts), Catch::Contains("would not have saved a fifth") && !Catch::Contains("8 megapixels"));
  facts.bands = facts.banded_images = 3;
  CHECK_THAT(says(facts), Catch::Contains("each is one band"));
}

TEST_CASE("pictures taken as they are keep their order", "[balance]") {
  const SmallSet small;
  BalanceRequest request{.set = small.set};
  request.as_is = true;
  const BalanceSet set = make_balance_set(request, small.set.work);
  CHECK(set.huge == 0);
  REQUIRE(set.paths.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(std::filesystem::equivalent(set.paths[i], small.set.paths[i]));
}

TEST_CASE("balance measures three ways whose jobs add up to the set", "[balance]") {
  const SmallSet small;
  BalanceRequest request{.set = small.set};
  request.runs = 2;
  request.huge_megapixels = 1.5;
  std::size_t said = 0;
  request.progress = [&said](const std::string& text) { said += text.starts_with("balance: "); };
  Random random(7);
  const Json section = compare_balance(request, random);
  CHECK(said == 1 + 3 * 3);
  CHECK(section.at("set").at("images") == 63);
  CHECK(section.at("set").at("huge") == 3);
  CHECK(section.at("set").at("made") == true);
  CHECK(section.at("set").at("megapixels").get<double>() == Approx(60 * 0.06 + 3 * 1.5).epsilon(0.01));
  CHECK(section.at("workers") == 2);
  CHECK(section.at("pairs").size() == 3);
  const Json& ways = section.at("ways");
  REQUIRE(ways.size() == 3);
  std::vector<std::string> ids;
  double least_relative = 1e9;
  for (const Json& way : ways) {
    INFO(way.at("id"));
    ids.push_back(way.at("id"));
    CHECK(way.at("wall_s").at("n") == 2);
    CHECK(median(way, "utilisation") > 0);
    CHECK(median(way, "utilisation") <= 1);
    CHECK(median(way, "imbalance") >= 0);
    CHECK(median(way, "tail_s") >= 0);
    CHECK(median(way, "tail_s") < median(way, "wall_s"));
    least_relative = std::min(least_relative, way.at("relative").at("ratio").get<double>());
    const Json& slots = way.at("timeline").at("slots");
    REQUIRE(slots.size() == 2);
    REQUIRE(way.at("busy").size() == 2);
    const double span = way.at("timeline").at("span_s");
    std::set<std::string> sources;
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(slots[i].at("worker") == i + 1);
      double jobs_s = 0, busy_s = 0;
      for (const Json& job : slots[i].at("jobs")) {
        jobs_s += job.at("end_s").get<double>() - job.at("begin_s").get<double>();
        CHECK(job.at("begin_s").get<double>() > 0);
        CHECK(job.at("end_s").get<double>() <= span + 1e-5);
        sources.insert(job.at("source"));
      }
      CHECK(way.at("busy")[i].at("worker") == i + 1);
      CHECK(way.at("busy")[i].at("utilisation").size() == 40);
      for (const Json& part : way.at("busy")[i].at("utilisation")) busy_s += part.get<double>() * span / 40;
      CHECK(busy_s == Approx(jobs_s).epsilon(0.01));
    }
    CHECK(sources.size() == 63);
  }
  CHECK(ids == std::vector<std::string>{"static", "dynamic", "dynamic-tiles"});
  CHECK(least_relative == Approx(1));
  // The huge ones came last, so that the second part had them all.
  CHECK_NOFAIL(median(ways[0], "imbalance") > 0.3);
  CHECK_NOFAIL(median(ways[0], "utilisation") < 0.9);
  CHECK(ways[0].at("command").get<std::string>().find("-j1 --tiling whole") != std::string::npos);
  const std::string words = section.at("explanation");
  CHECK(words.find("60 small pictures and 3 pictures of 1.5") != std::string::npos);
  CHECK(words.find("only pictures of more than 8 megapixels are") != std::string::npos);
  CHECK(words.find("With 2 runs of each way nothing can be told from noise; it takes 6.") != std::string::npos);
}

TEST_CASE("ways that do not make the same pictures are not compared", "[balance]") {
  SmallSet small;
  // Instead of the program: what is done depends on --tiling, as it must not.
  const std::string script = small.folder / "unfaithful";
  write_file(script,
             "#!/bin/bash\ncase \" $* \" in *\" --tiling \"*) set -- \"$@\" -s invert;; esac\nexec '" TESSERA_PROGRAM
             "' \"$@\"\n");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  small.set.program = script;
  BalanceRequest request{.set = small.set};
  request.as_is = true;
  request.runs = 1;
  Random random(1);
  CHECK_THROWS_WITH(compare_balance(request, random), Catch::Contains("nothing can be compared"));
}

TEST_CASE("a run that fails ends the balance with what it said, a picture that fails does not", "[balance]") {
  SmallSet small;
  BalanceRequest request{.set = small.set};
  request.as_is = true;
  request.runs = 1;
  Random random(1);
  write_file(small.set.paths[1], "no picture");
  const Json section = compare_balance(request, random);
  CHECK(section.at("set").at("images") == 3);
  CHECK(section.at("set").at("megapixels").get<double>() == Approx(0.12));
  std::filesystem::remove_all(small.set.work + "/balance");
  for (const std::string& path : small.set.paths) write_file(path, "no picture");
  CHECK_THROWS_WITH(compare_balance(request, random), "balance: none of the pictures could be done");
  std::filesystem::remove_all(small.set.work + "/balance");
  write_file(small.set.recipe_path, "no recipe");
  CHECK_THROWS_WITH(compare_balance(request, random), Catch::Contains("exit code 2: tessera: "));
  BalanceRequest alone{.set = small.set};
  alone.workers = 1;
  CHECK_THROWS_AS(compare_balance(alone, random), UsageError);
}

TEST_CASE("the balance is explained by its figures and no further", "[balance]") {
  const BalanceFacts cut{.images = 63, .huge = 3, .huge_megapixels = 50, .bands = 24, .banded_images = 3, .runs = 7};
  const std::string gained = balance_explanation(section_of(true, 1.25), cut);
  CHECK(gained.find("Given out one by one to whoever was free, they took 1.00 s with the workers used to 50 %: 50 % "
                    "less time than the static split.") != std::string::npos);
  CHECK(gained.find("With 3 pictures cut into 24 bands for all workers, it took 800 ms") != std::string::npos);
  CHECK(gained.find("than the way without bands") != std::string::npos);
  CHECK(gained.find("noise") == std::string::npos);
  const std::string lost = balance_explanation(section_of(true, 0.8), cut);
  CHECK(lost.find("25 % more time than the way without bands") != std::string::npos);
  const std::string nothing = balance_explanation(section_of(false, 1.01), cut);
  CHECK(nothing.find("no difference from the way without bands beyond noise") != std::string::npos);
}

}  // namespace tessera::tests
