// A run that ended anyhow, and the same command with --resume: the tree and the manifest are those of a run that nobody
// interrupted.
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "pipeline/database.h"
#include "pipeline/job_files.h"
#include "pipeline/recipe.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using Words = std::vector<std::string>;
using pipeline::Database;

namespace {

// A folder of small pictures, what becomes of them undisturbed, and the command.
class Batch {
 public:
  explicit Batch(int count, Words job = {"--resize", "60x60"}) : job_(std::move(job)) {
    write_photos(folder_ / "in", count, 120, 90);
    REQUIRE(run("clean").code == 0);
  }
  Words words(const std::string& out, const Words& more = {}) const {
    Words words{"run", folder_ / "in", "-o", folder_ / out};
    words.insert(words.end(), job_.begin(), job_.end());
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  ProgramResult run(const std::string& out, const Words& more = {}) const { return run_program(words(out, more)); }
  std::string operator/(const std::string& name) const { return folder_ / name; }
  std::string journal(const std::string& out) const { return folder_ / (out + "/.tessera/journal.sqlite"); }
  std::string manifest_text(const std::string& out) const {
    return read_file(folder_ / (out + "/.tessera/manifest.jsonl"));
  }
  void check_same(const std::string& out) const {
    CHECK((tree(folder_ / out) == tree(folder_ / "clean")));
    CHECK(manifest_text(out) == manifest_text("clean"));
    CHECK(leftovers(folder_ / out).empty());
  }

 private:
  TemporaryFolder folder_;
  Words job_;
};

std::uint64_t inode_of(const std::string& path) {
  struct stat s {};
  REQUIRE(stat(path.c_str(), &s) == 0);
  return s.st_ino;
}

void change_time(const std::string& path) {
  fs::last_write_time(path, fs::last_write_time(path) + std::chrono::seconds(7));
}

// One byte inside the compressed data, so that the size stays.
void change_content(const std::string& path) {
  std::string bytes = read_file(path);
  bytes.at(bytes.size() - 40) = static_cast<char>(bytes.at(bytes.size() - 40) ^ 1);
  write_file(path, bytes);
}

// Kills the program at a random moment of its life, then resumes it.
void kill_and_resume(const Batch& batch, std::mt19937& random, const Words& mode, std::chrono::microseconds length) {
  fs::remove_all(batch / "out");
  Words first = mode;
  first.push_back("-q");
  std::vector<int> workers;
  {
    Program program(batch.words("out", first));
    const auto until =
        std::chrono::steady_clock::now() + length * std::uniform_int_distribution<int>(0, 100)(random) / 100;
    while (program.running() && std::chrono::steady_clock::now() < until) usleep(500);
    workers = program.workers();
    kill(program.pid(), SIGKILL);
    program.finish();
  }
  for (int tries = 0; tries < 100 && std::ranges::any_of(workers, alive); ++tries) usleep(10000);
  CHECK_FALSE(std::ranges::any_of(workers, alive));
  Words again = mode;
  again.push_back("--resume");
  const ProgramResult result = batch.run("out", again);
  INFO(result.err);
  REQUIRE(result.code == 0);
  batch.check_same("out");
}

}  // namespace

TEST_CASE("a run that is killed at any moment ends the same after --resume", "[resume]") {
  const Batch batch(60);
  std::mt19937 random(test_seed());
  INFO("seed " << test_seed());
  for (const Words& mode : {Words{"-j2"}, Words{"--mode", "threads", "-j2"}, Words{"-j2", "--fsync"}}) {
    fs::remove_all(batch / "out");
    const auto begin = std::chrono::steady_clock::now();
    REQUIRE(batch.run("out", mode).code == 0);
    const auto length = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
    batch.check_same("out");
    for (int round = 0; round < (mode.size() == 1 ? 20 : 5); ++round) kill_and_resume(batch, random, mode, length);
  }
}

TEST_CASE("a run that is killed again and again gets there", "[resume]") {
  const Batch batch(60, {"--resize", "60x60", "-s", "median 4"});
  std::mt19937 random(test_seed());
  INFO("seed " << test_seed());
  for (int round = 0; round < 8; ++round) {
    Program program(batch.words("out", {"-j2", "-q", "--resume"}));
    usleep(std::uniform_int_distribution<useconds_t>(20000, 120000)(random));
    kill(program.pid(), SIGKILL);
    program.finish();
  }
  REQUIRE(batch.run("out", {"--resume", "--mode", "serial"}).code == 0);
  batch.check_same("out");
}

TEST_CASE("what is done and unchanged is not touched, whatever the mode", "[resume]") {
  const Batch batch(6);
  REQUIRE(batch.run("out").code == 0);
  const std::uint64_t inode = inode_of(batch / "out/p00.jpg");
  change_time(batch / "in/p01.jpg");  // the same content
  const ProgramResult result = batch.run("out", {"--resume", "--mode", "serial"});
  INFO(result.err);
  CHECK(result.code == 0);
  CHECK_THAT(result.err, Contains("6 done (6 earlier)"));
  CHECK(inode_of(batch / "out/p00.jpg") == inode);
  CHECK_THAT(batch.run("out", {"--resume", "--json"}).out, Contains("\"done\": 6, \"done_earlier\": 6"));
  batch.check_same("out");
}

TEST_CASE("what changed since is done again, and only that", "[resume]") {
  Batch batch(8);
  REQUIRE(batch.run("out").code == 0);
  write_picture(batch / "in/p01.jpg", picture(120, 90, 77), "jpeg");
  change_content(batch / "in/p02.jpg");
  fs::remove(batch / "out/p03.jpg");
  change_content(batch / "out/p04.jpg");
  fs::copy_file(batch / "out/p05.jpg", batch / "copy");  // as after a restore: another inode and time
  fs::rename(batch / "copy", batch / "out/p05.jpg");
  fs::remove_all(batch / "clean");
  REQUIRE(batch.run("clean").code == 0);
  // A file that is not ours follows --on-exist: nothing is made before that is settled.
  const ProgramResult refused = batch.run("out", {"--resume"});
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err, Contains("p04.jpg") && Contains("--on-exist"));
  const ProgramResult result = batch.run("out", {"--resume", "--on-exist", "overwrite"});
  INFO(result.err);
  CHECK(result.code == 0);
  CHECK_THAT(result.err, Contains("8 done (4 earlier)"));
  batch.check_same("out");
}

TEST_CASE("after a power cut outputs are believed only when their content is right", "[resume]") {
  const Batch batch(8);
  for (const bool synced : {false, true}) {
    fs::remove_all(batch / "out");
    REQUIRE(batch.run("out", synced ? Words{"--fsync"} : Words{}).code == 0);
    {
      Database database(batch.journal("out"));
      database.execute("UPDATE session SET boot_id='an earlier one'");
    }
    fs::resize_file(batch / "out/p02.jpg", 0);
    const auto size = fs::file_size(batch / "out/p03.jpg");
    const auto time = fs::last_write_time(batch / "out/p03.jpg");
    fs::resize_file(batch / "out/p03.jpg", 0), fs::resize_file(batch / "out/p03.jpg", size);  // zeros
    fs::last_write_time(batch / "out/p03.jpg", time);
    const ProgramResult result = batch.run("out", {"--resume"});
    INFO(result.err);
    if (synced) {
      CHECK(result.code == 2);  // not what a power cut does to synced files: somebody else did it
      CHECK_THAT(result.err, Contains("p02.jpg"));
    } else {
      CHECK(result.code == 0);
      CHECK_THAT(result.err, Contains("8 done (6 earlier)"));
      batch.check_same("out");
    }
  }
}

TEST_CASE("intents that were carried out count as done, others are done again", "[resume]") {
  const Batch batch(6);
  REQUIRE(batch.run("out").code == 0);
  {
    Database database(batch.journal("out"));
    database.execute("UPDATE item SET closed=0");
  }
  fs::remove(batch / "out/p01.jpg");
  const ProgramResult result = batch.run("out", {"--resume"});
  CHECK(result.code == 0);
  CHECK_THAT(result.err, Contains("6 done (5 earlier)"));
  batch.check_same("out");
}

TEST_CASE("numbers in names follow the list as it is now, and old names go", "[resume]") {
  Batch batch(5, {"--resize", "60x60", "--template", "{n:03}.{ext}"});
  REQUIRE(batch.run("out").code == 0);
  write_picture(batch / "in/first.jpg", picture(120, 90, 50), "jpeg");
  fs::remove(batch / "in/p03.jpg");
  fs::remove_all(batch / "clean");
  REQUIRE(batch.run("clean").code == 0);
  REQUIRE(batch.run("out", {"--resume"}).code == 0);
  batch.check_same("out");
}

TEST_CASE("failed items stay until they change or --retry-failed is given", "[resume]") {
  Batch batch(3);
  const std::string good = read_file(batch / "in/p01.jpg");
  write_file(batch / "in/p01.jpg", good.substr(0, 1000));
  REQUIRE(batch.run("out").code == 1);
  const ProgramResult again = batch.run("out", {"--resume"});
  CHECK(again.code == 1);
  CHECK_THAT(again.err, Contains("2 done (2 earlier), 1 failed") && !Contains("p01.jpg"));
  const ProgramResult tried = batch.run("out", {"--retry-failed"});
  CHECK(tried.code == 1);
  CHECK_THAT(tried.err, Contains("p01.jpg"));
  write_file(batch / "in/p01.jpg", good);
  CHECK(batch.run("out", {"--resume"}).code == 0);
  CHECK((tree(batch / "out") == tree(batch / "clean")));
}

TEST_CASE("another recipe does not go on with this run, and the recipe that does lies beside it", "[resume]") {
  const Batch batch(2);
  CHECK(batch.run("out", {"--resume"}).code == 0);  // nothing to go on with: a fresh run
  const ProgramResult other = batch.run("out", {"--resume", "-Q", "40"});
  CHECK(other.code == 2);
  CHECK_THAT(other.err, Contains("another recipe") && Contains("leave out --resume"));
  int recipes = 0;
  for (const auto& entry : fs::directory_iterator(batch / "out/.tessera")) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("recipe-")) continue;
    ++recipes;
    const pipeline::Recipe recipe = pipeline::load_recipe(entry.path().string()).recipe;
    CHECK(name == fmt::format("recipe-{}.toml", pipeline::to_hex(recipe.hash()).substr(0, 8)));
    CHECK(read_file(entry.path().string()) == recipe.canonical());
  }
  CHECK(recipes == 1);
}

TEST_CASE("what was begun when the program died comes last, alone, and at last not at all", "[resume]") {
  const Batch batch(5);
  REQUIRE(batch.run("out").code == 0);
  const auto die_with = [&](const std::string& name, bool alone) {
    Database database(batch.journal("out"));
    database.begin();
    pipeline::Statement(database, "DELETE FROM item WHERE source=?").bind_blob(batch / ("in/" + name)).run();
    pipeline::Statement(database, "DELETE FROM product WHERE source=?").bind_blob(batch / ("in/" + name)).run();
    pipeline::Statement(database, "INSERT INTO begun VALUES(?,?)").bind_blob(batch / ("in/" + name)).bind(alone).run();
    database.commit();
  };
  for (const Words& mode : {Words{"--mode", "serial"}, Words{"--mode", "threads", "-j2"}}) {
    die_with("p02.jpg", false);
    Words words = mode;
    words.insert(words.end(), {"-v", "--on-exist", "overwrite"});
    const ProgramResult last = batch.run("out", words);
    INFO(last.err);
    CHECK(last.code == 0);
    CHECK_THAT(last.err, Contains("isolates nothing") && Contains("one at a time"));
    CHECK(last.err.rfind("in/p02.jpg ") > last.err.rfind("in/p04.jpg "));
    batch.check_same("out");

    die_with("p02.jpg", true);
    const ProgramResult refused = batch.run("out", words);
    CHECK(refused.code == 1);
    CHECK_THAT(refused.err, Contains("p02.jpg: it ended the program twice") && Contains("(quarantined)"));
    CHECK(manifest(batch / "out")[2]["status"] == "quarantined");

    die_with("p02.jpg", true);
    words.push_back("--retry-failed");
    CHECK(batch.run("out", words).code == 0);
    batch.check_same("out");
  }
  die_with("p02.jpg", true);
  CHECK(batch.run("out", {"--resume", "--on-exist", "overwrite"}).code == 0);  // isolated: no marks needed
  batch.check_same("out");
}

TEST_CASE("a program that dies in its own thread leaves marks, and the rerun says so", "[resume]") {
  const Batch batch(40, {"--resize", "60x60", "-s", "median 8"});
  bool marked = false;
  for (int round = 0; round < 20 && !marked; ++round) {  // a kill may come between two pictures
    fs::remove_all(batch / "out");
    Program program(batch.words("out", {"--mode", "serial", "-q"}));
    while (program.running() && !(fs::exists(batch / "out") && tree(batch / "out").size() > 2)) usleep(1000);
    kill(program.pid(), SIGKILL);
    REQUIRE(program.finish().code == 137);
    Database database(batch.journal("out"));
    pipeline::Statement marks(database, "SELECT count(*) FROM begun");
    marked = marks.step() && marks.column(0) == 1;
  }
  REQUIRE(marked);
  const ProgramResult result = batch.run("out", {"--mode", "serial", "--resume"});
  CHECK_THAT(result.err, Contains("one at a time") && Contains("isolates nothing"));
  CHECK(result.code == 0);
  batch.check_same("out");
}

TEST_CASE("a full disk stops the run, and --resume completes it", "[resume]") {
  const Batch batch(40);
  write_file(batch / "script", R"(set -e
mount -t tmpfs -o size=3m tmpfs "$1" || exit 77
out=$1 copy=$2 filler=$3; shift 3
head -c "$filler" /dev/zero > "$out/filler"
code=0; "$@" || code=$?
echo "first $code" >&2
rm "$out/filler"
code=0; "$@" --resume || code=$?
echo "second $code" >&2
cp -a "$out/." "$copy"
)");
  fs::create_directories(batch / "out");
  // Full while pictures are written, while the journal grows, and before it can be made.
  for (const std::string filler : {"2900k", "2950k", "2990k", "3040k", "3068k"}) {
    fs::remove_all(batch / "copy");
    fs::create_directories(batch / "copy");
    std::string command = fmt::format("unshare -m sh '{}' '{}' '{}' {} '{}'", batch / "script", batch / "out",
                                      batch / "copy", filler, TESSERA_PROGRAM);
    for (const std::string& word : batch.words("out", {"-j2"})) command += fmt::format(" '{}'", word);
    const int status = std::system(fmt::format("{} 2> '{}'", command, batch / "log").c_str());
    const std::string log = read_file(batch / "log");
    INFO(filler << "\n" << log);
    if (WEXITSTATUS(status) == 77 || log.find("unshare failed") != std::string::npos) {
      fmt::print("no tmpfs may be mounted here: passing without a full disk\n");
      return;
    }
    CHECK_THAT(log, Contains("first 4"));
    CHECK_THAT(log, Contains("No space left") || Contains("disk is full"));
    CHECK_THAT(log, Contains("second 0"));
    CHECK((tree(batch / "copy") == tree(batch / "clean")));
    CHECK(batch.manifest_text("copy") == batch.manifest_text("clean"));
    CHECK(leftovers(batch / "copy").empty());
  }
}

}  // namespace tessera::tests
