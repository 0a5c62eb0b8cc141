// How a run ends when somebody outside wants it to: signals, a reader that is gone, no descriptors, other people's
// deaths.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using Words = std::vector<std::string>;

namespace {

constexpr int kPhotos = 40;

Words run_of(const TemporaryFolder& folder, int size, const Words& more) {
  fs::create_directories(folder / "in");
  std::mt19937 random(1);
  write_picture(folder / "in/p00.jpg",
                OwnedImage(random_image(random, size, size - 1, {stages::Model::bgr, stages::Depth::u8, false})),
                "jpeg");
  for (int i = 1; i < kPhotos; ++i) fs::copy_file(folder / "in/p00.jpg", folder / fmt::format("in/p{:02}.jpg", i));
  Words words{"run", folder / "in", "-o", folder / "out"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// A slow recipe over enough photos to be met in the middle of it.
Words slow_run(const TemporaryFolder& folder, const Words& more) {
  Words words = run_of(folder, 650, more);
  words.insert(words.end(), {"-s", "median 12"});
  return words;
}

std::size_t lines_in(const std::string& path) {
  const std::string text = read_file(path);
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

// Waits for a first output, so that the loop is known to run.
void wait_for_output(Program& program, const TemporaryFolder& folder) {
  while (program.running() && (!fs::exists(folder / "out") || tree(folder / "out").empty())) usleep(2000);
  REQUIRE(program.running());
}

// Every output is complete, each is in the manifest, and nothing else is.
void check_whole(const TemporaryFolder& folder) {
  const auto outputs = tree(folder / "out");
  CHECK(outputs.size() >= 1);
  CHECK(outputs.size() < kPhotos);
  CHECK(lines_in(folder / "out/.tessera/manifest.jsonl") == outputs.size());
  CHECK(leftovers(folder / "out").empty());
  for (const auto& [name, bytes] : outputs) CHECK(bytes == outputs.begin()->second);
}

}  // namespace

TEST_CASE("a signal is heard among names that lead nowhere", "[signals]") {
  constexpr std::size_t kNames = 200'000;
  TemporaryFolder folder;
  std::string list;
  for (std::size_t i = 0; i < kNames; ++i) list += fmt::format("nowhere/picture-{:06}.jpg\n", i);
  write_file(folder / "list", list);
  Program program({"run", "--files-from", folder / "list", "-o", folder / "out", "-j1", "-q"});
  const auto journal_bytes = [&] {
    std::error_code none;
    const auto bytes = fs::file_size(folder / "out/.tessera/journal.sqlite-wal", none);
    return none ? 0 : bytes;
  };
  while (program.running() && journal_bytes() < 200'000) usleep(2000);
  REQUIRE(program.running());
  kill(program.pid(), SIGINT);
  const auto begun = std::chrono::steady_clock::now();
  const ProgramResult result = program.finish();
  CHECK(result.code == 130);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(3));
  const std::size_t rows = lines_in(folder / "out/.tessera/manifest.jsonl");
  CHECK(rows > 0);
  CHECK(rows < kNames / 2);
}

TEST_CASE("a signal ends a run in order, with the code that a shell expects", "[signals]") {
  const std::vector<std::pair<int, int>> cases{{SIGINT, 130}, {SIGTERM, 143}, {SIGHUP, 129}};
  for (const auto& [number, code] : cases) {
    TemporaryFolder folder;
    Program program(slow_run(folder, {"-j2"}));
    wait_for_output(program, folder);
    kill(program.pid(), number);
    const ProgramResult result = program.finish();
    INFO(result.err);
    CHECK(result.code == code);
    CHECK_THAT(result.err, Contains("interrupted") && Contains("of 40 done") && Contains("--resume"));
    check_whole(folder);
  }
}

TEST_CASE("in serial and thread mode the first signal ends a run in order, too", "[signals]") {
  for (const Words& mode : {Words{"--mode", "serial"}, Words{"--mode", "threads", "-j2"}}) {
    TemporaryFolder folder;
    Program program(slow_run(folder, mode));
    wait_for_output(program, folder);
    kill(program.pid(), SIGINT);
    const ProgramResult result = program.finish();
    INFO(result.err);
    CHECK(result.code == 130);
    check_whole(folder);
  }
}

TEST_CASE("a second signal kills the workers at once and keeps what is finished", "[signals]") {
  TemporaryFolder folder;
  Program program(slow_run(folder, {"-j2"}));
  wait_for_output(program, folder);
  // Workers that are stopped never end by themselves: only killing them ends the run before the 5 s are over.
  for (const int worker : program.workers()) kill(worker, SIGSTOP);
  kill(program.pid(), SIGTERM);
  usleep(300'000);
  CHECK(program.running());
  const auto before = std::chrono::steady_clock::now();
  kill(program.pid(), SIGTERM);
  const ProgramResult result = program.finish();
  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(3));
  CHECK(result.code == 143);
  check_whole(folder);
}

TEST_CASE("images that hang after a signal are waited for no longer than five seconds", "[signals]") {
  TemporaryFolder folder;
  Program program(slow_run(folder, {"-j2"}));
  wait_for_output(program, folder);
  for (const int worker : program.workers()) kill(worker, SIGSTOP);
  const auto before = std::chrono::steady_clock::now();
  kill(program.pid(), SIGINT);
  const ProgramResult result = program.finish();
  const auto took = std::chrono::steady_clock::now() - before;
  CHECK(took > std::chrono::seconds(4));
  CHECK(took < std::chrono::seconds(9));
  CHECK(result.code == 130);
  check_whole(folder);
}

TEST_CASE("readers that are gone change neither a run nor its exit code", "[signals]") {
  TemporaryFolder folder;
  const Words words = run_of(folder, 120, {"-v", "--json", "--resize", "60x"});
  std::string line = TESSERA_PROGRAM;
  for (const std::string& word : words) line += fmt::format(" '{}'", word);
  for (const std::string& plumbing : {std::string(">&- 2>&-"), std::string("2>/dev/full >/dev/full"),
                                      std::string("2>&1 | true; exit ${PIPESTATUS[0]}")}) {
    fs::remove_all(folder / "out");
    write_file(folder / "run.sh", line + " " + plumbing);
    INFO(plumbing);
    CHECK(std::system(fmt::format("bash '{}'", folder / "run.sh").c_str()) == 0);
    CHECK(tree(folder / "out").size() == kPhotos);
  }
}

TEST_CASE("a command that prints into a pipe that is gone says nothing about it", "[signals]") {
  TemporaryFolder folder;
  // SIGPIPE ignored from outside, as some parents leave it.
  write_file(folder / "run.sh",
             fmt::format("trap '' PIPE; '{}' stages --markdown 2>'{}' | true", TESSERA_PROGRAM, folder / "err"));
  CHECK(std::system(fmt::format("bash '{}'", folder / "run.sh").c_str()) == 0);
  CHECK(read_file(folder / "err").empty());
}

TEST_CASE("workers that are killed whatever they hold trip the breaker", "[breaker]") {
  TemporaryFolder folder;
  setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // its leak check forks a tracer, which would be killed, too
  Program program(slow_run(folder, {"-j1", "--breaker", "3", "-s", "median 24"}));
  while (program.running()) {
    for (const int worker : program.workers()) kill(worker, SIGKILL);
    usleep(3000);
  }
  const ProgramResult result = program.finish();
  INFO(result.err);
  CHECK(result.code == 4);
  CHECK_THAT(result.err, Contains("workers in a row"));
  CHECK(leftovers(folder / "out").empty());
}

TEST_CASE("few descriptors make a run slower and not shorter", "[descriptors]") {
  TemporaryFolder folder;
  // Finished images wait for their names in groups of 32, each with a descriptor: with these they never can.
  std::string line = std::string("ulimit -n 46; ") + TESSERA_PROGRAM;
  for (const std::string& word : run_of(folder, 16, {"-j3", "-q"})) line += fmt::format(" '{}'", word);
  write_file(folder / "run.sh", line);
  CHECK(std::system(fmt::format("bash '{}'", folder / "run.sh").c_str()) == 0);
  CHECK(tree(folder / "out").size() == kPhotos);
}

TEST_CASE("a worker replaced after every image changes nothing", "[recycling]") {
  TemporaryFolder folder;
  REQUIRE(run_program(run_of(folder, 200, {"-j2", "-q", "--resize", "90x"})).code == 0);
  const auto expected = tree(folder / "out");
  for (const Words& mode : {Words{"-j2"}, Words{"-j1", "--threads", "2"}, Words{"-j2", "--tiling", "spread"}}) {
    fs::remove_all(folder / "out");
    fs::remove_all(folder / "in");
    Words words = run_of(folder, 200, {"-q", "--resize", "90x", "--recycle", "1"});
    words.insert(words.end(), mode.begin(), mode.end());
    const ProgramResult result = run_program(words);
    INFO(fmt::format("{}\n{}", fmt::join(mode, " "), result.err));
    CHECK(result.code == 0);
    CHECK((tree(folder / "out") == expected));
  }
}

TEST_CASE("a mistyped option or subcommand is answered with what was meant", "[run]") {
  CHECK_THAT(run_program({"rnu"}).err, Contains("did you mean 'run'?"));
  CHECK_THAT(run_program({"run", "--resise", "10x"}).err, Contains("did you mean '--resize'?"));
  CHECK_THAT(run_program({"run", "--time-out=3s"}).err, Contains("did you mean '--timeout'?"));
}

}  // namespace tessera::tests
