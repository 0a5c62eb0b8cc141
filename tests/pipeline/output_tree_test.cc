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

TEST_CASE("no link inside the output folder leads out of it", "[output]") {
  TemporaryFolder folder;
  fs::create_directories(folder / "elsewhere");
  fs::create_directories(folder / "real");
  fs::create_symlink(folder / "real", folder / "out");  // the root may be one
  OutputTree out(folder / "out");
  fs::create_directories(folder / "out/photos");
  fs::create_symlink(folder / "elsewhere", folder / "out/photos/2024");
  for (const bool replace : {false, true})
    CHECK_THROWS_WITH(out.publish(file_with(out, "new"), "photos/2024/x", replace),
                      Catch::Contains("photos/2024 is a symbolic link"));
  CHECK(fs::is_empty(folder / "elsewhere"));
  write_file(folder / "elsewhere/there", "theirs");
  CHECK_FALSE(out.find("photos/2024/there"));
  CHECK(out.publish(file_with(out, "new"), "photos/2025/x", false) == OutputTree::Published::yes);
  CHECK(read_file(folder / "real/photos/2025/x") == "new");
  CHECK(leftovers(folder / "out").empty());
}

TEST_CASE("a .tessera that is a link or no folder is refused", "[output]") {
  TemporaryFolder folder;
  fs::create_directories(folder / "elsewhere");
  fs::create_directories(folder / "a");
  fs::create_symlink(folder / "elsewhere", folder / "a/.tessera");
  CHECK_THROWS_AS(OutputTree(folder / "a"), TreeError);
  CHECK(fs::is_empty(folder / "elsewhere"));
  fs::create_directories(folder / "b");
  write_file(folder / "b/.tessera", "");
  CHECK_THROWS_AS(OutputTree(folder / "b"), TreeError);
  fs::create_directories(folder / "c/.tessera");
  fs::create_symlink(folder / "elsewhere/db", folder / "c/.tessera/journal.sqlite");
  CHECK_THROWS_AS(OutputTree(folder / "c"), TreeError);
}

TEST_CASE("a file is taken away only while it is the one that was meant", "[output]") {
  TemporaryFolder folder;
  OutputTree out(folder / "out");
  OutputFile file = file_with(out, "mine");
  const FileIdentity mine = file.identity();
  REQUIRE(out.publish(std::move(file), "a/x", false) == OutputTree::Published::yes);
  CHECK(out.find("a/x") == mine);
  REQUIRE(out.publish(file_with(out, "else"), "a/x", true) == OutputTree::Published::yes);
  CHECK_FALSE(out.remove("a/x", mine));
  CHECK(read_file(folder / "out/a/x") == "else");
  CHECK(out.remove("a/x", *out.find("a/x")));
  CHECK_FALSE(out.find("a/x"));
  out.sync_folders();
}

TEST_CASE("an output folder that goes away stops the run", "[output]") {
  TemporaryFolder folder;
  OutputTree out(folder / "out");
  OutputFile file = file_with(out, "x");
  fs::remove_all(folder / "out");
  CHECK_THROWS_AS(out.publish(std::move(file), "x", false), TreeError);
  CHECK_THROWS_AS(out.create(), TreeError);
  CHECK_FALSE(out.has_room());
}

TEST_CASE("a private file is written whole", "[output]") {
  TemporaryFolder folder;
  OutputTree out(folder / "out");
  out.write_private("recipe.toml", "old");
  out.write_private("recipe.toml", "new");
  CHECK(read_file(folder / "out/.tessera/recipe.toml") == "new");
  CHECK(leftovers(folder / "out").empty());
}

TEST_CASE("what an earlier run left in .tessera/tmp is swept", "[output]") {
  TemporaryFolder folder;
  fs::create_directories(folder / "out/.tessera/tmp");
  write_file(folder / "out/.tessera/tmp/123-4", "left");
  write_file(folder / "out/.tessera/tmp/notes-1", "somebody's");
  OutputTree out(folder / "out");
  CHECK(leftovers(folder / "out").size() == 2);  // somebody may be using it until the journal is ours
  out.sweep();
  CHECK(leftovers(folder / "out") == std::vector<std::string>{"notes-1"});
}

}  // namespace tessera::tests
