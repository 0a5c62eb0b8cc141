// The head of a document: what it says of the machine, and which files are refused.
#include <sys/utsname.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <regex>

#include "pipeline/compare/document.h"
#include "pipeline/cpu_count.h"
#include "pipeline/usage_error.h"

namespace tessera::tests {
using namespace pipeline;
using Catch::Matchers::Contains;

TEST_CASE("a new document says what was run where", "[compare]") {
  Json document = new_document({"tessera", "compare", "my photos", "-j", "1,2"}, 9223372036854775813u);
  CHECK(document["schema"] == "tessera-compare");
  CHECK(document["command"] == "tessera compare 'my photos' -j 1,2");
  CHECK(document["seed"].get<std::uint64_t>() == 9223372036854775813u);
  CHECK(std::regex_match(document["created"].get<std::string>(),
                         std::regex("20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ")));
  CHECK(std::regex_match(document["program"].get<std::string>(), std::regex("tessera \\d+\\.\\d+\\.\\d+")));
  const Json& machine = document["machine"];
  utsname system{};
  uname(&system);
  CHECK(machine["kernel"] == system.release);
  CHECK(machine["cpus"] == usable_cpus());
  CHECK(machine["cpus_online"] == sysconf(_SC_NPROCESSORS_ONLN));
  CHECK(machine["memory_bytes"] == usable_memory());
  CHECK_FALSE(machine["cpu"].get<std::string>().empty());
  CHECK(machine["load_before"] >= 0);
  for (const Json& mhz : machine["mhz"]) CHECK(mhz > 100);
  CHECK_FALSE(machine.contains("load_after"));
  finish_document(document);
  CHECK(document["machine"]["load_after"] >= 0);
  CHECK(document["machine"]["mhz_after"].size() == machine["mhz"].size());
}

TEST_CASE("a file that is no comparison, or one of a newer program, is refused with its name", "[compare]") {
  Json document = new_document({"tessera"}, 1);
  CHECK_THROWS_WITH(check_document(document, "a.json"),
                    Contains("a.json is no comparison: it has none of the sections"));
  document["costs"] = Json::object();
  CHECK_NOTHROW(check_document(document, "a.json"));
  for (const char* const name : {"schema", "version", "program", "command", "seed", "machine", "notes"}) {
    Json without = document;
    without.erase(name);
    INFO(name);
    CHECK_THROWS_WITH(check_document(without, "a.json"), Contains("a.json is no comparison") && Contains(name));
  }
  Json newer = document;
  newer["version"] = kDocumentVersion + 1;
  CHECK_THROWS_WITH(check_document(newer, "a.json"), Contains("was written by a newer tessera: version 2"));
  CHECK_THROWS_AS(check_document(Json::array(), "a.json"), UsageError);
}

TEST_CASE("a summary keeps its numbers in the document", "[compare]") {
  const Json json = to_json(Summary{7, 1, 2, 3, 4, 5, 6, 8});
  CHECK(json.dump() == R"({"n":7,"median":1.0,"mean":2.0,"sigma":3.0,"min":4.0,"max":5.0,"low":6.0,"high":8.0})");
}

}  // namespace tessera::tests
