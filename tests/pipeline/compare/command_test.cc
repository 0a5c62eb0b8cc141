// `tessera compare` as its users meet it: what it refuses before it measures, and what it leaves.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using Words = std::vector<std::string>;

namespace {

const std::string kPhotos = std::string(TESSERA_SOURCE) + "/samples/photos";

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

TEST_CASE("a comparison that cannot be is refused before anything is measured", "[compare]") {
  const TemporaryFolder folder;
  const std::string picture = kPhotos + "/rocket.jpg";
  const Words one{"compare", picture, "--modes", "serial", "--runs", "1", "--work", folder.path()};
  const std::vector<std::pair<Words, std::string>> refused{
      {{"compare", picture, "--modes", "none", "--peer", "cp=cp {in}/a.jpg {out}"}, "--config NAME=FLAGS"},
      {{"compare", picture, "--modes", "none,serial"}, "--modes none"},
      {with(one, {"--quick"}), "--with costs"},
      {with(one, {"--export-json", "-", "--export-csv", "-"}), "standard output"},
      {with(one, {"--export-json", folder / "x", "--report", folder / "x"}), "two results"},
      {with(one, {"--export-json", folder.path()}), "is a folder"},
      {with(one, {"--report", folder / "none/x.html"}), "No such file"},
      {{"compare", "--seed", "5", "costs", "--quick"}, "stand behind it"},
      {{"compare", kPhotos + "/INDEX.csv", "--modes", "serial", "--runs", "1"}, "none of the pictures could be done"},
  };
  for (const auto& [words, sentence] : refused) {
    const ProgramResult result = run_program(words);
    INFO(result.out << result.err);
    CHECK(result.code == 2);
    CHECK_THAT(result.err, Contains(sentence));
    CHECK(result.out.empty());
    CHECK(fs::is_empty(folder.path()));
  }
}

TEST_CASE("a list of modes or workers does not take the pictures behind it", "[compare]") {
  const TemporaryFolder folder;
  const ProgramResult result = run_program({"compare", "-j", "1", "--modes", "serial,threads", kPhotos + "/rocket.jpg",
                                            "--runs", "1", "--work", folder.path(), "--export-json", "-"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto document = nlohmann::json::parse(result.out);
  CHECK(document["set"]["images"] == 1);
  CHECK(document["runs"]["configurations"].size() == 2);
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("results go through a link into its target, and to what is no file as it is", "[compare]") {
  const TemporaryFolder folder;
  const std::string sample = std::string(TESSERA_SOURCE) + "/tests/pipeline/compare_sample.json";
  std::ofstream(folder / "target.csv") << "old";
  fs::create_symlink("target.csv", folder / "link.csv");
  const ProgramResult result = run_program({"compare", "show", sample, "--export-csv", folder / "link.csv",
                                            "--export-markdown", "/dev/null", "--report", folder / "page.html"});
  INFO(result.err);
  CHECK(result.code == 0);
  CHECK(fs::is_symlink(folder / "link.csv"));
  CHECK_THAT(read_file(folder / "target.csv"), Contains("section,"));
  CHECK_THAT(read_file(folder / "page.html"), Contains("</html>"));
  CHECK(fs::is_character_file("/dev/null"));
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 3);
}

TEST_CASE("a damaged result is named, with what is wrong", "[compare]") {
  const TemporaryFolder folder;
  auto document =
      nlohmann::ordered_json::parse(read_file(std::string(TESSERA_SOURCE) + "/tests/pipeline/compare_sample.json"));
  document["runs"]["configurations"][0]["wall_s"].erase("median");
  std::ofstream(folder / "damaged.json") << document;
  std::ofstream(folder / "other.json") << "{\"a\": 1}";
  for (const char* name : {"damaged.json", "other.json", "missing.json"}) {
    const ProgramResult result = run_program({"compare", "show", folder / name});
    INFO(result.err);
    CHECK(result.code == 2);
    CHECK_THAT(result.err, Contains(name));
  }
}

}  // namespace tessera::tests
