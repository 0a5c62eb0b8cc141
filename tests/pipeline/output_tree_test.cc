#include "pipeline/output_tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "stages/image.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using namespace pipeline;

namespace {
OutputFile file_with(OutputTree& tree, const std::string& text) {
  OutputFile file = tree.create();
  REQUIRE(write(file.fd(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  return file;
}
}  // namespace

TEST_CASE("an output has no name until it is published", "[output]") {
  TemporaryFolder folder;
  OutputTree out(folder / "out");
  {
    const OutputFile file = file_with(out, "half");
    CHECK(tree(folder / "out").empty());
    CHECK(file.bytes() == 4);
  }
  CHECK(leftovers(folder / "out").empty());
  CHECK(out.publish(file_with(out, "whole"), "a/b/c.txt", false) == OutputTree::Published::yes);
  CHECK(read_file(folder / "out/a/b/c.txt") == "whole");
}

TEST_CASE("publishing without replace never touches what is there", "[output]") {
  TemporaryFolder folder;
  OutputTree out(folder / "out");
  write_file(folder / "out/x", "old");
  CHECK(out.publish(file_with(out, "new"), "x", false) == OutputTree::Published::exists);
  CHECK(read_file(folder / "out/x") == "old");
  CHECK(out.publish(file_with(out, "new"), "x", true) == OutputTree::Published::yes);
  CHECK(read_file(folder / "out/x") == "new");
  CHECK(leftovers(folder / "out").empty());
}

TEST_CASE("replacing a link replaces the link and not its target", "[output]") {
  TemporaryFolder folder;
  OutputTree out(folder / "out");
  write_file(folder / "target", "precious");
  fs::create_symlink(folder / "target", folder / "out/x");
  CHECK(out.publish(file_with(out, "new"), "x", true) == OutputTree::Published::yes);
  CHECK(read_file(folder / "target") == "precious");
  CHECK_FALSE(fs::is_symlink(folder / "out/x"));
}

TEST_CASE("a name that cannot be is the picture's failure, a folder that cannot be is the run's", "[output]") {
  TemporaryFolder folder;
  OutputTree out(folder / "out");
  write_file(folder / "out/file", "");
  CHECK_THROWS_AS(out.publish(file_with(out, "x"), "file/below", false), stages::ImageError);
  fs::create_directories(folder / "out/directory");
  CHECK_THROWS_AS(out.publish(file_with(out, "x"), "directory", true), stages::ImageError);
  CHECK_THROWS_AS(OutputTree("/proc/nowhere"), TreeError);
}

TEST_CASE("what an earlier run left in .tessera/tmp is swept", "[output]") {
  TemporaryFolder folder;
  fs::create_directories(folder / "out/.tessera/tmp");
  write_file(folder / "out/.tessera/tmp/123-4", "left");
  OutputTree out(folder / "out");
  CHECK(leftovers(folder / "out").size() == 1);  // somebody may be using it until the journal is ours
  out.sweep();
  CHECK(leftovers(folder / "out").empty());
}

}  // namespace tessera::tests
