// Which configurations a command line asks for, and what it may not ask for.
#include <catch2/catch.hpp>

#include "pipeline/compare/configurations.h"
#include "pipeline/cpu_count.h"
#include "pipeline/usage_error.h"

namespace tessera::tests {
using namespace pipeline;
using Catch::Matchers::Contains;
using Words = std::vector<std::string>;

namespace {

Words names(const std::vector<Configuration>& configurations) {
  Words names;
  for (const Configuration& configuration : configurations) names.push_back(configuration.name);
  return names;
}

}  // namespace

TEST_CASE("the modes are combined with workers and threads, each once", "[compare]") {
  Json notes = Json::array();
  const auto found = configurations_for({"hybrid", "serial", "processes", "threads"}, {1, 2, 2}, {1, 2}, notes);
  CHECK(names(found) == Words{"serial", "threads -j1", "threads -j2", "processes -j1", "processes -j2",
                              "hybrid -j1 --threads 2", "hybrid -j2 --threads 2"});
  CHECK(notes.empty());
  CHECK(found[0].flags == Words{"--mode", "serial"});
  CHECK(found[2].flags == Words{"--mode", "threads", "-j2"});
  CHECK(found[6].flags == Words{"--mode", "hybrid", "-j2", "--threads", "2"});
  std::vector<int> slots;
  for (const Configuration& configuration : found) slots.push_back(configuration.slots());
  CHECK(slots == std::vector<int>{1, 1, 2, 1, 2, 2, 4});
  CHECK(found[2].workers == 1);
  CHECK(found[6].threads == 2);
}

TEST_CASE("hybrid without a number of threads takes two and says so", "[compare]") {
  Json notes = Json::array();
  CHECK(names(configurations_for({"hybrid"}, {1}, {1}, notes)) == Words{"hybrid -j1 --threads 2"});
  REQUIRE(notes.size() == 1);
  CHECK_THAT(notes[0].get<std::string>(), Contains("they got two"));
  notes.clear();
  CHECK(names(configurations_for({"processes"}, {0}, {1}, notes)) ==
        Words{"processes -j" + std::to_string(usable_cpus())});
  CHECK(notes.empty());
}

TEST_CASE("modes and numbers that do not exist are refused by name", "[compare]") {
  Json notes = Json::array();
  CHECK_THROWS_WITH(configurations_for({"fibres"}, {1}, {1}, notes),
                    "--modes: 'fibres' is none of serial, threads, processes, hybrid");
  CHECK_THROWS_AS(configurations_for({"threads"}, {-1}, {1}, notes), UsageError);
}

TEST_CASE("a configuration of one's own is split as a shell would, and its mode understood", "[compare]") {
  const Configuration own = custom_configuration("two and small=--mode hybrid -j 3 --threads=4 --quarantine 'a b'");
  CHECK(own.name == "two and small");
  CHECK(own.flags == Words{"--mode", "hybrid", "-j", "3", "--threads=4", "--quarantine", "a b"});
  CHECK(own.mode == "hybrid");
  CHECK(own.workers == 3);
  CHECK(own.threads == 4);
  CHECK(custom_configuration("x=-j2").mode == "processes");
  CHECK(custom_configuration("x=--jobs=2 --mode=threads").slots() == 2);
  CHECK(custom_configuration("x=-j1 --threads 2").mode == "hybrid");
  CHECK(custom_configuration("x=--mode serial").slots() == 1);
  CHECK(custom_configuration("x=").slots() == usable_cpus());
}

TEST_CASE("a configuration of one's own that cannot be run is refused before anything runs", "[compare]") {
  CHECK_THROWS_WITH(custom_configuration("-j2"), Contains("write NAME=FLAGS"));
  CHECK_THROWS_WITH(custom_configuration("x=-j two"), Contains("-j two is no number"));
  CHECK_THROWS_WITH(custom_configuration("x='-j2"), Contains("is not closed"));
  CHECK_THROWS_WITH(custom_configuration("x=--mode serial -j2"),
                    Contains("--config 'x=--mode serial -j2': --mode serial"));
  CHECK_THROWS_WITH(custom_configuration("x=-j2 -o there"), Contains("-o is the comparison's own"));
  CHECK_THROWS_WITH(custom_configuration("x=--trace=t"), Contains("--trace is the comparison's own"));
}

TEST_CASE("a peer names its folders, and is called after its program without a name", "[compare]") {
  const Configuration named = peer_configuration("pool=python3 pool.py {in} {out}");
  CHECK(named.name == "pool");
  CHECK(named.is_peer());
  CHECK(named.peer_command == "python3 pool.py {in} {out}");
  CHECK(peer_configuration("python3 -u samples/pool.py --q=3 {in} {out}").name == "pool.py");
  CHECK(peer_configuration("/usr/bin/convert {list} {out}").name == "convert");
  CHECK_THROWS_WITH(peer_configuration("x=cp {in} there"), Contains("has to name {out}"));
  CHECK_THROWS_WITH(peer_configuration("x=cp here {out}"), Contains("has to name {in}"));
}

TEST_CASE("two configurations of one name are refused", "[compare]") {
  CHECK_THROWS_WITH(check_names({custom_configuration("a=-j1"), custom_configuration("a=-j2")}),
                    Contains("two configurations are called 'a'"));
  CHECK_NOTHROW(check_names({custom_configuration("a=-j1"), custom_configuration("b=-j1")}));
}

}  // namespace tessera::tests
