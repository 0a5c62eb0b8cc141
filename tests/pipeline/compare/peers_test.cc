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

TEST_CASE("the peers in samples/ write one file a picture, or say what is missing here", "[compare]") {
  const std::string peers = TESSERA_SOURCE "/samples/peers/";
  for (const std::string& program : {"python3 " + peers + "opencv_pool.py", peers + "vips_xargs.sh"}) {
    Place place({});
    write_photos(place.folder / "in", 3, 300, 200);
    for (const auto& entry : fs::directory_iterator(place.folder / "in"))
      place.set.paths.push_back(entry.path().string());
    const Observation seen = place.run(program + " {in} {out} 2");
    INFO(program << ": " << seen.errors);
    if (seen.exit_code == 0)
      CHECK(tree(place.folder / "out it's").size() == 3);
    else
      CHECK_THAT(seen.errors, Contains("there is no") || Contains("has no"));
    CHECK((seen.exit_code == 0 || seen.exit_code == 1));
    CHECK(place.run(program + " # {in} {out}").exit_code != 0);
  }
}

}  // namespace tessera::tests
