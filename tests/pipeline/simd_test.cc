// The instruction set that TESSERA_SIMD names, through the whole program: it reaches the workers, and the bytes stay.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "stages/simd/target.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace {

using Catch::Matchers::Contains;

class Environment {
 public:
  explicit Environment(const std::string& target) { setenv("TESSERA_SIMD", target.c_str(), 1); }
  ~Environment() { unsetenv("TESSERA_SIMD"); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
};

}  // namespace

TEST_CASE("every instruction set gives the same files, in every mode", "[modes][simd]") {
  TemporaryFolder folder;
  write_photos(folder / "in", 2, 611, 403);
  write_picture(folder / "in/alpha.png", picture(213, 97, test_seed()), "png");
  const std::vector<std::vector<std::string>> recipes{
      {"--resize", "300x300>", "-s", "sharpen amount=0.5", "-Q", "82"},
      {"-s", "gaussian 2", "-s", "resize 77x55! filter=mitchell", "-s", "saturation 1.3", "-s", "box 2"},
      {"-s", "grayscale", "-s", "brightness-contrast brightness=10", "-s", "edge"}};
  const std::vector<std::vector<std::string>> ways{
      {"--mode", "serial"},
      {"--mode", "processes", "-j2"},
      {"--mode", "processes", "-j2", "--threads", "2", "--tiling", "spread"}};
  for (std::size_t r = 0; r < recipes.size(); ++r) {
    std::map<std::string, std::string> reference;
    for (const std::string& name : stages::simd_targets())
      for (std::size_t w = 0; w < ways.size(); ++w) {
        const Environment environment(name);
        const std::string out = folder / fmt::format("{}_{}_{}", r, name, w);
        std::vector<std::string> words{"run", folder / "in", "-o", out, "-q"};
        words.insert(words.end(), recipes[r].begin(), recipes[r].end());
        words.insert(words.end(), ways[w].begin(), ways[w].end());
        const ProgramResult result = run_program(words);
        INFO(fmt::format("{}\n{}", fmt::join(words, " "), result.err));
        REQUIRE(result.code == 0);
        const auto made = tree(out);
        REQUIRE(made.size() == 3);
        if (reference.empty()) reference = made;
        CHECK((made == reference));
      }
  }
}

TEST_CASE("an instruction set that is not there is a usage error with the names of those that are", "[simd]") {
  const Environment environment("sse9");
  const ProgramResult result = run_program({"doctor"});
  CHECK(result.code == 2);
  CHECK_THAT(result.err, Contains("TESSERA_SIMD") && Contains("'sse9'") && Contains("scalar"));
}

TEST_CASE("doctor says which instruction sets there are and which one is used", "[simd][doctor]") {
  for (const std::string& name : stages::simd_targets()) {
    const Environment environment(name);
    const nlohmann::json report = nlohmann::json::parse(run_program({"doctor", "--json"}).out);
    CHECK(report["cpus"]["vector_instructions"] == nlohmann::json(stages::simd_targets()));
    CHECK(report["cpus"]["in_use"] == name);
  }
}

}  // namespace tessera::tests
