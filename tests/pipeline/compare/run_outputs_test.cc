// What runs leave: compared file by file, kept while there is room.
#include <catch2/catch.hpp>
#include <filesystem>
#include <limits>

#include "pipeline/compare/run_outputs.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
using namespace pipeline;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

Outputs leaving(const std::vector<std::pair<std::string, std::string>>& files, bool hashed = true) {
  TemporaryFolder folder;
  for (const auto& [name, bytes] : files) {
    fs::create_directories(fs::path(folder / name).parent_path());
    write_file(folder / name, bytes);
  }
  return look_at_outputs(folder.path(), hashed);
}

}  // namespace

TEST_CASE("outputs are told apart by name and content, without what a run keeps for itself", "[compare]") {
  const Outputs a = leaving({{"one.jpg", "x"}, {"sub/two.jpg", "yy"}, {".tessera/journal", "1"}});
  CHECK(a.files.size() == 2);
  CHECK(a.bytes == 3);
  const auto difference = [&](const Outputs& b) { return first_difference(a, "serial", b, "threads -j2"); };
  CHECK(difference(leaving({{"one.jpg", "x"}, {"sub/two.jpg", "yy"}, {".tessera/journal", "2"}})).empty());
  CHECK(difference(leaving({{"one.jpg", "x"}, {"sub/two.jpg", "yz"}})) == "sub/two.jpg differs");
  CHECK(difference(leaving({{"one.jpg", "x"}})) == "sub/two.jpg is there after serial only");
  CHECK(difference(leaving({{"sub/two.jpg", "yy"}})) == "one.jpg is there after serial only");
  CHECK(difference(leaving({{"a.jpg", ""}, {"one.jpg", "x"}, {"sub/two.jpg", "yy"}})) ==
        "a.jpg is there after threads -j2 only");
  CHECK(difference(leaving({{"one.jpg", "x"}, {"sub/two.jpg", "yy"}, {"z\x1b.jpg", ""}})) ==
        "z\\x1b.jpg is there after threads -j2 only");
  CHECK(leaving({{"one.jpg", "x"}}, false).files == leaving({{"one.jpg", "z"}}, false).files);
}

TEST_CASE("outputs are kept while all to come have room, and removed otherwise", "[compare]") {
  TemporaryFolder work;
  OutputFolders folders(work.path());
  folders.expect(1000);
  const std::string first = folders.fresh(), second = folders.fresh();
  CHECK(first != second);
  CHECK(fs::is_empty(first));
  folders.done(first, 500);
  CHECK(fs::exists(first));
  CHECK_THAT(folders.policy(), Contains("all kept"));
  folders.expect(std::numeric_limits<std::uint64_t>::max() / 2);
  folders.done(second, 500);
  CHECK_FALSE(fs::exists(second));
  CHECK_THAT(folders.policy(), Contains("removed after each run"));
}

}  // namespace tessera::tests
