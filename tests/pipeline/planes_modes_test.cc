// Recipes that keep planes give the same bytes in every mode and route, for every sampling and orientation.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/pipeline/program.h"

namespace tessera::tests {
using namespace stages;

namespace {

void write_planes(const std::string& folder) {
  std::mt19937 random(test_seed());
  for (const auto& [width, height] : {std::pair{533, 401}, {1, 1}, {17, 3}, {1022, 769}})
    for (const auto& [x, y] : {std::pair{0, 0}, {1, 0}, {1, 1}, {0, 1}, {2, 0}}) {
      ImageInfo info{width, height, {Model::ycbcr_planar, Depth::u8, false}, {}, 0};
      info.grid[1] = info.grid[2] = {static_cast<std::uint8_t>(x), static_cast<std::uint8_t>(y)};
      OwnedImage image(info);
      for (int p = 0; p < 3; ++p)
        for (int j = 0; j < image.view().plane(p).height; ++j)
          for (int i = 0; i < image.view().plane(p).width; ++i)
            image.view().plane(p).row<std::uint8_t>(j)[i] =
                static_cast<std::uint8_t>((i * (p + 1) + j * 2) / 3 + static_cast<int>(random() % 9));
      write_picture(fmt::format("{}/{}x{}_{}{}.jpg", folder, width, height, x, y), image, "jpeg");
    }
}

}  // namespace

TEST_CASE("planes of every sampling give the same bytes in every mode and route", "[modes]") {
  TemporaryFolder folder;
  INFO("seed " << test_seed());
  write_planes(folder.path());
  const std::vector<std::vector<std::string>> recipes{
      {"-s", "resize 60%", "-s", "sharpen amount=0.5"},
      {"-s", "crop 71%x83%", "-s", "resize 97x97 fit=pad background=#204060", "--set", "subsampling=4:2:2"},
      {"-s", "crop 91%x93% gravity=southeast", "-s", "rotate 90", "-s", "flop", "-s", "sharpen 2"},
      {"-s", "pad left=3 top=5 background=white", "-s", "flip", "--set", "subsampling=4:4:4"},
      {"-s", "resize 40%", "-s", "grayscale"}};
  const std::vector<std::vector<std::string>> ways{{"--mode", "serial"},
                                                   {"--mode", "serial", "--band-rows", "16"},
                                                   {"--mode", "threads", "-j2", "--tiling", "spread"},
                                                   {"-j2"},
                                                   {"-j2", "--tiling", "spread", "--band-rows", "48"},
                                                   {"-j2", "--threads", "2", "--tiling", "spread"}};
  for (const auto& recipe : recipes) {
    std::map<std::string, std::string> reference;
    std::string manifest;
    for (std::size_t i = 0; i < ways.size(); ++i) {
      TemporaryFolder out;
      std::vector<std::string> words{"run", folder.path(), "-o", out / "o", "-q"};
      words.insert(words.end(), recipe.begin(), recipe.end());
      words.insert(words.end(), ways[i].begin(), ways[i].end());
      const ProgramResult result = run_program(words);
      INFO(fmt::format("{}\n{}", fmt::join(words, " "), result.err));
      REQUIRE(result.code == 0);
      const auto made = tree(out / "o");
      REQUIRE(made.size() == 20);
      if (i == 0) reference = made, manifest = read_file(out / "o/.tessera/manifest.jsonl");
      REQUIRE((made == reference));
      REQUIRE(read_file(out / "o/.tessera/manifest.jsonl") == manifest);
    }
  }
}

}  // namespace tessera::tests
