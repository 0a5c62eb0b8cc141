// What a release holds of all this: nothing.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace {

// What the compiler makes of a file of the program (`how`: -c its object, -E its text after the preprocessor) as in
// this build or, without `defined`, as in a release.
std::string made_of(const std::string& file, const std::string& how, bool defined) {
  TemporaryFolder folder;
  const std::string command =
      fmt::format("'{}' -std=c++20 -O1 {} -I'{}' -I/usr/include/opencv4 {} '{}/{}' -o '{}'", TESSERA_COMPILER,
                  defined ? "-DTESSERA_FAULTS=1" : "", TESSERA_SOURCE, how, TESSERA_SOURCE, file, folder / "made");
  INFO(command);
  REQUIRE(std::system(command.c_str()) == 0);
  return read_file(folder / "made");
}

bool holds(const std::string& bytes, const std::string& word) { return bytes.find(word) != std::string::npos; }

}  // namespace

TEST_CASE("a build without TESSERA_FAULTS has neither fault points nor the fault codec and stage", "[faults]") {
  struct Trace {
    const char *file, *how, *trace;
  };
  const Trace traces[]{{"workers/fault_point.cc", "-c", "TESSERA_FAULT_AT"},
                       {"workers/worker_process.cc", "-c", "fault_point"},
                       {"stages/codecs/codecs.cc", "-E", "fault_codec"},
                       {"pipeline/built_in.cc", "-E", "fault_stage"}};
  for (const auto& [file, how, trace] : traces) {
    INFO(file);
    CHECK(holds(made_of(file, how, true), trace));
    CHECK_FALSE(holds(made_of(file, how, false), trace));
  }
}

TEST_CASE("the release preset leaves the faults out", "[faults]") {
  const std::string presets = read_file(TESSERA_SOURCE "/CMakePresets.json");
  const auto release = presets.find("\"name\": \"release\""), next = presets.find("\"name\": \"asan\"");
  REQUIRE(release < next);
  CHECK_FALSE(holds(presets.substr(release, next - release), "TESSERA_FAULTS"));
  CHECK(holds(read_file(TESSERA_SOURCE "/CMakeLists.txt"),
              "option(TESSERA_FAULTS \"Compile the test-only fault codec and fault points\" OFF)"));
}

TEST_CASE("no list that users see names the faults", "[faults]") {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"stages"}, {"stages", "--markdown"}, {"run", "--help"}}) {
    const ProgramResult result = run_program(words);
    REQUIRE(result.code == 0);
    CHECK_FALSE(holds(result.out, "\n  fault "));
    CHECK_FALSE(holds(result.out, "#### fault"));
    CHECK_FALSE(holds(result.out, "Format: fault"));
    CHECK_FALSE(holds(result.out, "Misbehaves"));
  }
  TemporaryFolder folder;
  write_file(folder / "a.png", "no picture");
  CHECK_FALSE(holds(run_program({"info", folder / "a.png"}).err, "FAULT"));
}

}  // namespace tessera::tests
