// What a peer's shell is told: where the pictures are, and where its own go.
#include <catch2/catch.hpp>
#include <filesystem>

#include "pipeline/compare/launch.h"
#include "pipeline/compare/peers.h"
#include "pipeline/usage_error.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
using namespace pipeline;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

struct Place {
  TemporaryFolder folder;
  RunSet set;

  explicit Place(const std::vector<std::string>& pictures) {
    set.work = folder / "work";
    fs::create_directories(set.work);
    fs::create_directories(folder / "out it's");
    for (const std::string& name : pictures) {
      const std::string path = folder / name;
      fs::create_directories(fs::path(path).parent_path());
      write_file(path, name);
      set.paths.push_back(path);
    }
  }
  /// What the command does, run as a comparison does.
  Observation run(const std::string& command) {
    PeerInputs inputs(set);
    return launch(inputs.words(peer_configuration("peer=" + command), folder / "out it's"), {});
  }
};

}  // namespace

TEST_CASE("a peer is given the folder itself when it holds the pictures and nothing else", "[compare]") {
  Place place({"my in/a.jpg", "my in/b.jpg"});
  CHECK(place.run("cp {in}/* {out}").exit_code == 0);
  CHECK((tree(place.folder / "out it's") == tree(place.folder / "my in")));
  CHECK(place.run("echo {in} {out}").output == (place.folder / "my in") + " " + (place.folder / "out it's") + "\n");
  CHECK_FALSE(fs::exists(place.set.work + "/peer-in"));
}

TEST_CASE("a peer is given links to the pictures when their folder holds more, or there are several", "[compare]") {
  Place place({"in/a.jpg", "in/b.jpg", "more/a.jpg"});
  CHECK(place.run("cp {in}/* {out}").exit_code == 0);
  CHECK((tree(place.folder / "out it's") ==
         std::map<std::string, std::string>{{"a.jpg", "in/a.jpg"}, {"b.jpg", "in/b.jpg"}, {"2-a.jpg", "more/a.jpg"}}));
  Place crowded({"in/a.jpg", "in/b.jpg"});
  write_file(crowded.folder / "in/notes.txt", "");
  CHECK(crowded.run("ls {in} # {out}").output == "a.jpg\nb.jpg\n");
}

TEST_CASE("a peer is given a list of paths, in the order of the run", "[compare]") {
  Place place({"in/b.jpg", "in/a.jpg"});
  CHECK(place.run("cat {list} # {out}").output == (place.folder / "in/b.jpg\n") + (place.folder / "in/a.jpg\n"));
  Place strange({"in/a\nb.jpg"});
  CHECK_THROWS_WITH(strange.run("cat {list} > {out}/x"), Contains("a\\x0ab.jpg holds a line break"));
}

}  // namespace tessera::tests
