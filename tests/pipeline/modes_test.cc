// One recipe gives the same bytes in every mode, on real pictures, through the program.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace {

using Words = std::vector<std::string>;

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const Words kJob{"--resize", "1600x1600>", "-s", "sharpen amount=0.5", "-Q", "82", "-q"};

void same_trees(const std::string& photos, const Words& job, const std::vector<Words>& ways, std::size_t expected) {
  TemporaryFolder folder;
  const ProgramResult first =
      run_program(Words{"run", photos, "-o", folder / "serial"} + job + Words{"--mode", "serial"});
  INFO(first.err);
  REQUIRE(first.code == 0);
  const auto reference = tree(folder / "serial");
  REQUIRE(reference.size() == expected);
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const std::string out = folder / fmt::format("way{}", i);
    const ProgramResult result = run_program(Words{"run", photos, "-o", out} + job + ways[i]);
    INFO(fmt::format("{}\n{}", fmt::join(ways[i], " "), result.err));
    REQUIRE(result.code == 0);
    const auto made = tree(out);
    REQUIRE(made.size() == reference.size());
    for (const auto& [name, bytes] : reference) {
      INFO(name);
      REQUIRE(made.contains(name));
      REQUIRE((made.at(name) == bytes));
    }
    REQUIRE(leftovers(out).empty());
    // The manifest says nothing of how it was done.
    REQUIRE(read_file(out + "/.tessera/manifest.jsonl") == read_file(folder / "serial/.tessera/manifest.jsonl"));
  }
}

const std::vector<Words> kModes{{"--mode", "threads", "-j2"},
                                {"--mode", "processes", "-j2"},
                                {"--mode", "processes", "-j2", "--threads", "2"},
                                {"--mode", "processes", "-j3"}};
const std::vector<Words> kTilings{{"--mode", "serial", "--tiling", "spread"},
                                  {"--mode", "threads", "-j2", "--tiling", "spread"},
                                  {"--mode", "processes", "-j2", "--tiling", "whole"},
                                  {"--mode", "processes", "-j2", "--tiling", "spread"},
                                  {"--mode", "processes", "-j2", "--threads", "2", "--tiling", "spread"},
                                  {"--mode", "processes", "-j3", "--memory", "200M"},
                                  {"--mode", "processes", "-j2", "--band-rows", "16"},
                                  {"--mode", "processes", "-j2", "--band-rows", "80", "--tiling", "spread"}};

}  // namespace

TEST_CASE("sample photos give the same bytes in every mode, thread mode included", "[modes]") {
  same_trees(sample_photos(), kJob, kModes, 9);
}

TEST_CASE("sample photos give the same bytes with every tiling, memory and band height", "[modes]") {
  same_trees(sample_photos(), kJob, kTilings, 9);
}

TEST_CASE("a recipe with statistics, turns and several outputs gives the same bytes every way", "[modes]") {
  const Words job{"--recipe", TESSERA_SOURCE "/samples/recipes/thumbnails.toml",
                  "-s",       "trim tolerance=8",
                  "-s",       "rotate 90",
                  "-s",       "equalize",
                  "-s",       "gaussian 1.5",
                  "-s",       "auto-levels",
                  "-q"};
  same_trees(sample_photos(), job, kModes, 18);
  same_trees(sample_photos(), job, kTilings, 18);
}

TEST_CASE("the 43 photos give the same bytes in every mode", "[modes]") {
  const std::string data = shared_data();
  if (data.empty()) return;
  same_trees(data + "/photos", kJob, kModes, 43);
}

TEST_CASE("the 43 photos give the same bytes with every tiling and memory", "[modes]") {
  const std::string data = shared_data();
  if (data.empty()) return;
  same_trees(data + "/photos", kJob,
             {{"--mode", "processes", "-j2", "--tiling", "spread"},
              {"--mode", "processes", "-j2", "--memory", "300M", "--band-rows", "48"}},
             43);
}

}  // namespace tessera::tests
