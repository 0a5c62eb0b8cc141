// The main comparison on a few small pictures: what it measures, and what ends it.
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <numeric>

#include "pipeline/compare/launch.h"
#include "pipeline/compare/run_outputs.h"
#include "pipeline/compare/runs.h"
#include "pipeline/environment_error.h"
#include "pipeline/usage_error.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
using namespace pipeline;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

struct Place {
  TemporaryFolder folder;
  RunSet set;
  Json notes = Json::array();
  std::vector<std::string> lines;
  double megapixels = -1;

  explicit Place(int pictures = 4,
                 const char* recipe = "version = 1\n[[stage]]\nop = \"resize\"\nsize = \"100x100\"\n") {
    write_photos(folder / "in", pictures, 300, 200);
    set.program = TESSERA_PROGRAM;
    set.inputs = set.sources = set.shown_inputs = {folder / "in"};
    set.work = folder / "work";
    set.recipe_path = folder / "recipe.toml";
    set.recipe_text = recipe;
    write_file(set.recipe_path, recipe);
    fs::create_directories(set.work);
    look_again();
  }
  void look_again() {
    set.paths.clear();
    for (const auto& entry : fs::directory_iterator(folder / "in")) set.paths.push_back(entry.path().string());
    std::ranges::sort(set.paths);
  }

  Json compare(std::vector<Configuration> configurations, int runs = 2, bool cold = false, unsigned seed = 7) {
    RunsRequest request{set, std::move(configurations), runs};
    request.cold = cold;
    request.progress = [this](const std::string& line) { lines.push_back(line); };
    Random random(seed);
    return compare_runs(request, random, notes, &megapixels);
  }
  bool notes_say(const std::string& words) const {
    return std::ranges::any_of(
        notes, [&](const Json& note) { return note.get<std::string>().find(words) != std::string::npos; });
  }
};

const Configuration kSerial = custom_configuration("serial=--mode serial --sandbox off");
const Configuration kTwo = custom_configuration("two=--mode processes -j2");

}  // namespace

TEST_CASE("a comparison measures every configuration as often, one after the other", "[compare]") {
  Place place;
  const Json found = place.compare({kSerial, kTwo, peer_configuration("cp=cp {in}/* {out}")}, 3);
  const Json& configurations = found["configurations"];
  REQUIRE(configurations.size() == 3);
  Random same(7);
  const auto orders = draw_orders(3, 3, same);
  for (const Json& one : configurations) REQUIRE(one["runs"].size() == 3);
  for (std::size_t round = 0; round < 3; ++round)
    for (std::size_t place_in_round = 0; place_in_round < 3; ++place_in_round) {
      const Json& run = configurations[orders[round][place_in_round]]["runs"][round];
      CHECK(run["round"] == round + 1);
      CHECK(run["order"] == place_in_round + 1);
    }
  for (const Json& one : configurations) {
    INFO(one["name"]);
    CHECK(one["outputs"] == 4);
    CHECK(one["output_bytes"] > 0);
    CHECK(one["wall_s"]["n"] == 3);
    CHECK(one["wall_s"]["min"] > 0);
    const double images_per_s = one["images_per_s"]["median"];
    CHECK(images_per_s == Approx(4 / one["wall_s"]["median"].get<double>()));
    CHECK(one["cpu_s"]["max"] <= one["user_s"]["max"].get<double>() + one["system_s"]["max"].get<double>() + 1e-9);
    CHECK(one["minor_faults"]["min"] > 0);
    CHECK(one["memory"]["samples"] >= 1);
    CHECK(one["memory"]["private_bytes"].get<double>() + one["memory"]["shared_bytes"].get<double>() ==
          one["memory"]["pss_bytes"].get<double>());
    CHECK(one.contains("relative"));  // it was judged
  }
  CHECK(configurations[0]["slots"] == 1);
  CHECK(configurations[1]["slots"] == 2);
  CHECK(configurations[1]["memory"]["processes"] >= 2);
  if (!kSanitized) CHECK(configurations[1]["memory"]["windows_bytes"] > 0);  // its peak is elsewhere
  CHECK(configurations[2]["slots"].is_null());
  CHECK(configurations[0]["same_bytes"] == true);
  CHECK(configurations[2]["same_bytes"].is_null());
  CHECK_FALSE(configurations[2].contains("start_s"));
  CHECK(place.megapixels == Approx(4 * 0.06));
  CHECK(found["method"]["cache"] == "warm");
  CHECK(found["method"]["cache_resident"] == 1);
  CHECK_THAT(found["method"]["outputs"].get<std::string>(), Contains("all kept"));
  CHECK(place.notes_say("'cp' were counted, not compared"));
  CHECK(place.lines.size() == 3 + 9 + 1);
  CHECK(place.lines[0] == "warm-up 1/1, serial");
  CHECK_THAT(place.lines[3], Contains("round 1/3, ") && Contains(" left"));
  CHECK(place.lines.back().empty());
}

TEST_CASE("what a run's trace tells fits what was seen from outside", "[compare]") {
  Place place;
  const Json found = place.compare({kSerial, kTwo}, 1);
  for (const Json& one : found["configurations"]) {
    INFO(one["name"]);
    const double wall = one["wall_s"]["median"], start = one["start_s"]["median"];
    const double first = one["first_image_s"]["median"];
    CHECK(start > 0);
    CHECK(first > start);
    CHECK(wall > first);
    CHECK(one["timeline"]["span_s"] <= wall);
    CHECK(one["utilisation"]["median"] > 0);
    CHECK(one["utilisation"]["median"] <= 1.001);
    CHECK(one["timeline"]["slots"].size() == one["slots"].get<std::size_t>());
    std::size_t jobs = 0;
    for (const Json& slot : one["timeline"]["slots"]) jobs += slot["jobs"].size();
    CHECK(jobs == 4);
    CHECK(one["phases_s"]["decode"]["median"] > 0);
    CHECK(one["phases_s"]["decode"]["median"] < one["slots"].get<double>() * wall);
  }
  CHECK(found["configurations"][1]["channel_bytes"]["median"] > 0);
}

TEST_CASE("other bytes end the comparison, with the file and both names", "[compare]") {
  Place place;
  try {
    place.compare({kSerial, custom_configuration("coarse=--mode serial -Q 40")});
    FAIL("it was compared");
  } catch (const Mismatch& mismatch) {
    CHECK_THAT(mismatch.what(), Contains("'serial' and 'coarse'") && Contains("p00.jpg differs"));
  }
}

TEST_CASE("a configuration that cannot be run ends the comparison with what it said", "[compare]") {
  Place place;
  CHECK_THROWS_WITH(place.compare({kSerial, custom_configuration("odd=--no-such-flag")}),
                    Contains("'odd' ended with exit code 2") && Contains("--no-such-flag"));
  CHECK_THROWS_AS(place.compare({kSerial, custom_configuration("odd=--no-such-flag")}), UsageError);
  CHECK_THROWS_AS(place.compare({}), UsageError);
  CHECK_THROWS_AS(place.compare({kSerial, kSerial}), UsageError);
  CHECK_THROWS_AS(place.compare({kSerial}, 0), UsageError);
}

TEST_CASE("a peer that fails, is killed or leaves pictures out ends the comparison", "[compare]") {
  Place place;
  const auto peer = [&](const std::string& command) {
    return std::vector<Configuration>{peer_configuration("peer=" + command)};
  };
  CHECK_THROWS_WITH(place.compare(peer("echo no luck >&2; ls {in} {out} > /dev/null; exit 3")),
                    Contains("'peer' ended with exit code 3") && Contains("\n  no luck"));
  CHECK_THROWS_WITH(place.compare(peer("kill -SEGV $$; ls {in} {out}")), Contains("killed by signal 11"));
  CHECK_THROWS_WITH(place.compare(peer("cp {in}/p00.jpg {out}; echo tired >&2")),
                    Contains("wrote 1 files for 4 pictures") && Contains("tired"));
  CHECK_THROWS_AS(place.compare(peer("cp {in}/p00.jpg {out}")), EnvironmentError);
}

TEST_CASE("pictures that fail do so in every configuration, and are no mismatch", "[compare]") {
  Place place;
  write_file(place.folder / "in/broken.jpg", "this is no picture");
  place.look_again();
  const Json found = place.compare({kSerial, kTwo}, 1);
  CHECK(found["configurations"][1]["failed"] == 1);
  CHECK(found["configurations"][1]["outputs"] == 4);
  CHECK(found["configurations"][0]["images_per_s"]["median"].get<double>() ==
        Approx(4 / found["configurations"][0]["wall_s"]["median"].get<double>()));
  CHECK(place.notes_say("1 of 5 images came to a bad end"));
}

TEST_CASE("a cold comparison says what it could drop", "[compare]") {
  Place place;
  const Json found = place.compare({kSerial}, 1, true);
  CHECK(found["method"]["cache"] == "cold");
  CHECK((place.notes_say("whole page cache was dropped") != place.notes_say("as advice to the kernel")));
  const double resident = found["method"]["cache_resident"];  // a file system in memory cannot drop its pages
  CHECK((resident < 0.5 || place.notes_say("could not be dropped")));
}

TEST_CASE("a seed repeats the order of runs", "[compare]") {
  Random one(5), same(5), other(6);
  const auto orders = draw_orders(6, 8, one);
  CHECK(orders == draw_orders(6, 8, same));
  CHECK(orders != draw_orders(6, 8, other));
  CHECK(orders.size() == 8);
  CHECK(std::ranges::any_of(orders, [&](const auto& order) { return order != orders[0]; }));
  for (auto order : orders) {
    std::ranges::sort(order);
    std::vector<std::size_t> all(6);
    std::iota(all.begin(), all.end(), std::size_t{0});
    CHECK(order == all);
  }
}

TEST_CASE("a signal ends the comparison between or in runs", "[compare]") {
  Place place;
  const SignalWatch signals(2);
  RunsRequest request{place.set, {kSerial, kTwo}, 50};
  request.signals = &signals;
  request.progress = [](const std::string& line) {
    if (line.starts_with("round 2/")) raise(SIGINT);
  };
  Random random(1);
  CHECK_THROWS_AS(compare_runs(request, random, place.notes), Interrupted);
}

}  // namespace tessera::tests
