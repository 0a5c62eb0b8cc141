// Every stage of the catalogue through the whole program: the same bytes, and the same failures, in every mode, route
// and band height, over odd sizes, formats and depths. Whether the bytes are right is the stage's own test's business.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "stages/catalogue.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using namespace stages;

namespace {

void write_pictures(const std::string& folder) {
  fs::create_directories(folder);
  std::mt19937 random(test_seed());
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 8}, {533, 401}, {1021, 769}})
    for (const Depth depth : {Depth::u8, Depth::u16})
      for (const PixelFormat format :
           {PixelFormat{Model::gray, depth, false}, {Model::bgr, depth, false}, {Model::bgr, depth, true}}) {
        const std::string name =
            fmt::format("{}/{}x{}_{}_{}.png", folder, width, height, depth == Depth::u8 ? 8 : 16, format.channels());
        write_picture(name, OwnedImage(random_image(random, width, height, format)), "png", {{"compression", "1"}});
      }
}

void check_group(const std::string& group) {
  TemporaryFolder folder;
  INFO("seed " << test_seed());
  write_pictures(folder / "in");
  const std::vector<std::vector<std::string>> ways{
      {"--mode", "serial"},
      {"--mode", "threads", "-j2", "--tiling", "spread"},
      {"-j2"},
      {"-j2", "--threads", "2", "--tiling", "spread", "--band-rows", "32"}};
  int stages = 0;
  for (const StageEntry& entry : catalogue()) {
    if (entry.group != group) continue;
    ++stages;
    std::map<std::string, std::string> reference;
    std::string manifest;
    for (std::size_t i = 0; i < ways.size(); ++i) {
      const std::string out = folder / fmt::format("{}_{}", entry.name, i);
      std::vector<std::string> words{"run",   folder / "in",   "-o", out, "-s", std::string(entry.example), "-f", "png",
                                     "--set", "compression=1", "-q"};
      words.insert(words.end(), ways[i].begin(), ways[i].end());
      const ProgramResult result = run_program(words);
      INFO(fmt::format("{} {}\n{}", entry.example, fmt::join(ways[i], " "), result.err));
      REQUIRE((result.code == 0 || result.code == 1));  // a crop may lie outside the smallest pictures
      const auto made = tree(out);
      REQUIRE(made.size() >= 12);
      if (i == 0) reference = made, manifest = read_file(out + "/.tessera/manifest.jsonl");
      REQUIRE((made == reference));
      REQUIRE(read_file(out + "/.tessera/manifest.jsonl") == manifest);
      fs::remove_all(out);
    }
  }
  CHECK(stages >= 5);
}

}  // namespace

TEST_CASE("geometry stages give the same bytes in every mode over odd sizes and formats", "[modes]") {
  check_group("geometry");
}
TEST_CASE("tone stages give the same bytes in every mode over odd sizes and formats", "[modes]") {
  check_group("tone");
}
TEST_CASE("detail stages give the same bytes in every mode over odd sizes and formats", "[modes]") {
  check_group("detail");
}

}  // namespace tessera::tests
