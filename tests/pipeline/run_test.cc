// What a batch survives and what it says: deaths, broken files, names, policies, exit codes.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using Words = std::vector<std::string>;

TEST_CASE("a killed worker costs nothing but time", "[run]") {
  TemporaryFolder folder;
  write_photos(folder / "in", 24);
  const Words job{"-s", "median 3", "-s", "resize 500x500", "-q"};
  Words clean{"run", folder / "in", "-o", folder / "clean"}, killed{"run", folder / "in", "-o", folder / "killed"};
  for (Words* words : {&clean, &killed}) words->insert(words->end(), job.begin(), job.end());
  REQUIRE(run_program(clean).code == 0);

  std::mt19937 random(test_seed());
  INFO("seed " << test_seed());
  const Words one{"-j2"}, hybrid{"-j2", "--threads", "2"}, spread{"-j2", "--tiling", "spread"};
  for (const Words& mode : {one, one, hybrid, hybrid, spread, spread}) {
    fs::remove_all(folder / "killed");
    Words words = killed;
    words.insert(words.end(), mode.begin(), mode.end());
    Program program(words);
    // In mid run, whatever the machine's speed: once so many outputs are there. One death, since a second one could
    // meet the retry of the same image, which would rightly be quarantined.
    bool killed_one = false;
    const auto outputs_before = static_cast<std::size_t>(std::uniform_int_distribution<int>(1, 12)(random));
    while (program.running() && !killed_one) {
      const auto workers = program.workers();
      if (!workers.empty() && fs::exists(folder / "killed") && tree(folder / "killed").size() >= outputs_before)
        killed_one = kill(workers[0], SIGKILL) == 0;
      usleep(2000);
    }
    const ProgramResult result = program.finish();
    INFO(fmt::format("{}\n{}", fmt::join(mode, " "), result.err));
    REQUIRE(killed_one);
    REQUIRE(result.code == 0);
    REQUIRE((tree(folder / "killed") == tree(folder / "clean")));
    REQUIRE(leftovers(folder / "killed").empty());
    REQUIRE(manifest(folder / "killed").size() == 24);
  }
}

TEST_CASE("killing the coordinator leaves no process and no temporary behind", "[run]") {
  TemporaryFolder folder;
  write_photos(folder / "in", 12);
  std::vector<int> workers;
  {
    Program program({"run", folder / "in", "-o", folder / "out", "-s", "median 5", "-j2", "-q"});
    while (program.running() && (workers = program.workers()).size() < 2) usleep(2000);
    usleep(100000);
    kill(program.pid(), SIGKILL);
    program.finish();
  }
  REQUIRE(workers.size() == 2);
  for (int tries = 0; tries < 100 && (alive(workers[0]) || alive(workers[1])); ++tries) usleep(10000);
  CHECK_FALSE(alive(workers[0]));
  CHECK_FALSE(alive(workers[1]));
  CHECK(leftovers(folder / "out").empty());
  for (const auto& [name, bytes] : tree(folder / "out")) {
    INFO(name);
    CHECK(read_picture(folder / ("out/" + name)).info().width == 900);  // complete, or not there
  }
}

TEST_CASE("the command of a failure report ends as the image did", "[run]") {
  TemporaryFolder folder;
  write_picture(folder / "it's slow.png", picture(1500, 1500, 1), "png");
  const ProgramResult result = run_program({"run",
                                            folder / "it's slow.png",
                                            "-o",
                                            folder / "out",
                                            "--quarantine",
                                            folder / "aside",
                                            "-s",
                                            "median 30",
                                            "--timeout",
                                            "100ms",
                                            "--mode",
                                            "hybrid",
                                            "--threads",
                                            "2",
                                            "--tiling",
                                            "whole",
                                            "--max-pixels",
                                            "4M",
                                            "--memory",
                                            "50%",
                                            "--worker-memory",
                                            "200M"});
  INFO(result.err);
  REQUIRE(result.code == 1);
  const std::string report = read_file(folder / "aside/it's slow.png.txt"), title = "to see it again: ";
  const std::size_t at = report.find(title) + title.size();
  std::string command = report.substr(at, report.find('\n', at) - at);
  CHECK_THAT(
      command,
      Contains(" -j 1 --mode hybrid --threads 2 --worker-memory 200M --max-pixels 4M --timeout 100ms") &&
          Contains(" --tiling whole") && !Contains(" --memory"));
  command.replace(command.find("/tmp/again"), std::strlen("/tmp/again"), folder / "again");
  const std::string programs = fs::path(TESSERA_PROGRAM).parent_path().string();
  write_file(folder / "script", fmt::format("PATH='{}' && {} 2> '{}'", programs, command, folder / "said"));
  const int status = std::system(fmt::format("bash '{}'", folder / "script").c_str());
  CHECK(WEXITSTATUS(status) == 1);
  CHECK_THAT(read_file(folder / "said"), Contains("it's slow.png: ") && Contains("--timeout"));
}

TEST_CASE("commands that only look show no raw name, and end as they would without standard error", "[run]") {
  TemporaryFolder folder;
  const std::string fine = folder / "fine\x1b[2J.png", broken = folder / "broken\x1b[2J.png";
  write_picture(fine, picture(40, 30, 1), "png");
  write_file(broken, "this is no picture");
  fs::create_directories(folder / "other");
  for (const Words& words : {Words{"info"}, Words{"plan"}}) {
    const ProgramResult result = run_program({words[0], fine, broken});
    CHECK(result.code == 1);
    CHECK_THAT(result.out, Contains("fine\\x1b[2J.png: ") && !Contains("\x1b"));
    CHECK_THAT(result.err, Contains("broken\\x1b[2J.png: ") && !Contains("\x1b"));
    for (const char* end : {"2> /dev/full", "2>&-"}) {
      write_file(folder / "script", fmt::format("'{}' {} --sandbox off $'{}' $'{}' > '{}' {}", TESSERA_PROGRAM,
                                                words[0], broken, fine, folder / "said", end));
      INFO(words[0] << ' ' << end);
      CHECK(WEXITSTATUS(std::system(fmt::format("bash '{}'", folder / "script").c_str())) == 1);
      CHECK_THAT(read_file(folder / "said"), Contains("40x30"));
    }
  }
  const ProgramResult verified = run_program({"verify", folder.path(), folder / "other"});
  CHECK(verified.code == 5);
  CHECK_THAT(verified.out, Contains("fine\\x1b[2J.png: only in") && !Contains("\x1b"));
}

TEST_CASE("three broken files among twenty cost three outputs and exit 1", "[run]") {
  TemporaryFolder folder;
  write_photos(folder / "in", 17, 300, 200);
  write_file(folder / "in/cut.jpg", read_file(folder / "in/p00.jpg").substr(0, 5000));
  write_file(folder / "in/empty.png", "");
  write_file(folder / "in/text.jpg", "this is no picture at all\n");
  for (const Words& mode : {Words{"--mode", "serial"}, Words{"-j2"}, Words{"--mode", "threads", "-j2"},
                            Words{"-j2", "--tiling", "spread"}}) {
    fs::remove_all(folder / "out");
    Words words{"run", folder / "in", "-o", folder / "out", "--resize", "100x"};
    words.insert(words.end(), mode.begin(), mode.end());
    const ProgramResult result = run_program(words);
    INFO(result.err);
    REQUIRE(result.code == 1);
    REQUIRE(tree(folder / "out").size() == 17);
    REQUIRE(leftovers(folder / "out").empty());
    CHECK_THAT(result.err, Contains("cut.jpg") && Contains("truncated"));
    CHECK_THAT(result.err, Contains("empty.png") && Contains("empty"));
    CHECK_THAT(result.err, Contains("text.jpg") && Contains("not an image format"));
    const auto rows = manifest(folder / "out");
    REQUIRE(rows.size() == 20);
    int failed = 0;
    for (const auto& row : rows)
      failed += row["status"] == "failed" && !row["error_message"].get<std::string>().empty();
    CHECK(failed == 3);
  }
}

TEST_CASE("an output that is there is an error, kept, or replaced as --on-exist says", "[run]") {
  TemporaryFolder folder;
  write_photos(folder / "in", 2, 40, 30);
  const Words base{"run", folder / "in", "-o", folder / "out", "--resize", "20x", "-q"};
  const auto with = [&](const Words& more) {
    Words words = base;
    words.insert(words.end(), more.begin(), more.end());
    return run_program(words);
  };
  REQUIRE(with({}).code == 0);
  const auto made = tree(folder / "out");
  const ProgramResult again = with({});
  CHECK(again.code == 2);
  CHECK_THAT(again.err, Contains("--on-exist"));
  write_file(folder / "out/p00.jpg", "mine");
  CHECK(with({"--on-exist", "skip"}).code == 0);
  CHECK(read_file(folder / "out/p00.jpg") == "mine");
  CHECK(manifest(folder / "out")[0]["status"] == "skipped");
  CHECK(with({"--on-exist", "newer"}).code == 0);
  CHECK(read_file(folder / "out/p00.jpg") == "mine");
  fs::last_write_time(folder / "in/p00.jpg", fs::last_write_time(folder / "out/p00.jpg") + std::chrono::seconds(5));
  CHECK(with({"--on-exist", "newer"}).code == 0);
  CHECK((tree(folder / "out") == made));
  write_file(folder / "out/p01.jpg", "mine");
  CHECK(with({"--on-exist", "overwrite"}).code == 0);
  CHECK((tree(folder / "out") == made));
}

TEST_CASE("two inputs with one output name are found before the start", "[run]") {
  TemporaryFolder folder;
  write_photos(folder / "a", 1, 40, 30);
  write_photos(folder / "b", 1, 40, 30);
  const ProgramResult result = run_program({"run", folder / "a", folder / "b", "-o", folder / "out"});
  CHECK(result.code == 2);
  CHECK_THAT(result.err, Contains(folder / "a/p00.jpg") && Contains(folder / "b/p00.jpg"));
  CHECK_FALSE(fs::exists(folder / "out"));
}

TEST_CASE("an original is never overwritten", "[run]") {
  TemporaryFolder folder;
  write_photos(folder / "in", 1, 40, 30);
  const std::string before = read_file(folder / "in/p00.jpg");
  const ProgramResult result =
      run_program({"run", folder / "in", "-o", folder / "in", "--on-exist", "overwrite", "--resize", "20x"});
  CHECK(result.code != 0);
  CHECK(read_file(folder / "in/p00.jpg") == before);
}

TEST_CASE("exit codes and sentences for what a user gets wrong", "[run]") {
  TemporaryFolder folder;
  fs::create_directories(folder / "empty");
  write_photos(folder / "in", 1, 40, 30);
  const auto expect = [&](const Words& words, int code, const std::string& sentence) {
    const ProgramResult result = run_program(words);
    INFO(fmt::format("{}\n{}{}", fmt::join(words, " "), result.out, result.err));
    CHECK(result.code == code);
    CHECK_THAT(result.err, Contains(sentence));
  };
  const std::string in = folder / "in", out = folder / "out";
  expect({"run", folder / "empty", "-o", out}, 3, "no input matched");
  expect({"run", in}, 2, "-o DIR");
  expect({"run", in, "-o", out, "-s", "rezise 10x"}, 2, "resize");
  expect({"run", in, "-o", out, "-s", "resize 10x filtre=box"}, 2, "filter");
  expect({"run", in, "-o", out, "--format", "jpog"}, 2, "jpeg");
  expect({"run", in, "-o", out, "--max-pixels", "100"}, 1, "--max-pixels");
  expect({"run", in, "-o", out, "--mode", "serial", "-j3"}, 2, "serial");
  expect({"run", in, "-o", out, "--resize", "9999999x"}, 1, "megapixels");
  expect({"run", in, "-o", out, "--template", ".tessera/{name}.jpg"}, 1, ".tessera holds the journal");
  expect({"run", in, "-o", in, "--on-exist", "overwrite"}, 2, "originals are never overwritten");
  expect({"run", in, "-o", out, "-s", "crop 10x10+5000+5000"}, 1, "crop");
  expect({"run", in, "-o", "/proc/nowhere"}, 4, "cannot create the output folder");
  expect({"stages", "gausian"}, 2, "gaussian");
}

TEST_CASE("the orientation is applied exactly once and reset", "[run]") {
  const std::string data = shared_data();
  if (data.empty()) return;
  TemporaryFolder folder;
  std::map<std::string, std::vector<fs::path>> sets;
  for (const auto& entry : fs::directory_iterator(data + "/formats/jpeg_orientation")) {
    const std::string name = entry.path().stem().string();
    const auto underscore = name.find_last_of("_-");
    if (underscore != std::string::npos && std::isdigit(static_cast<unsigned char>(name.back())) && name.back() != '0')
      sets[name.substr(0, underscore)].push_back(entry.path());
  }
  int compared = 0;
  for (const auto& [set, paths] : sets) {
    if (paths.size() != 8) continue;
    fs::remove_all(folder / "out");
    Words words{"run", "-o", folder / "out", "-f", "png", "-q", "--resize", "60x60!"};
    for (const auto& path : paths) words.push_back(path.string());
    INFO(set);
    REQUIRE(run_program(words).code == 0);
    // Turned upright, all eight show one picture but for the number written into it: a wrong turn is off by far more.
    std::vector<NaiveImage> upright;
    for (const auto& path : paths)
      upright.push_back(read_picture((fs::path(folder / "out") / path.stem()).string() + ".png").naive());
    for (const NaiveImage& image : upright) {
      REQUIRE(image.width == upright[0].width);
      REQUIRE(image.height == upright[0].height);
      double difference = 0, mirrored = 0;
      for (int y = 0; y < image.height; ++y)
        for (int x = 0; x < image.width; ++x)
          mirrored += std::abs(image.at(x, y, 0) - upright[0].at(image.width - 1 - x, y, 0)) * 3;
      for (std::size_t i = 0; i < image.samples.size(); ++i)
        difference += std::abs(image.samples[i] - upright[0].samples[i]);
      const auto samples = static_cast<double>(image.samples.size());
      CHECK(difference / samples < 20);
      CHECK(mirrored / samples > 25);
    }
    ++compared;
    const ProgramResult info = run_program({"info", folder / "out"});
    CHECK_THAT(info.out, !Contains("orientation"));
  }
  CHECK(compared >= 1);
}

TEST_CASE("the printed recipe makes the same pictures", "[run]") {
  TemporaryFolder folder;
  write_photos(folder / "in", 2, 90, 70);
  const Words job{"--resize", "50x", "-s", "gaussian sigma=1.2", "-Q", "77", "--keep", "icc"};
  Words print{"run", "--print-recipe"}, run{"run", folder / "in", "-o", folder / "a", "-q"};
  print.insert(print.end(), job.begin(), job.end());
  run.insert(run.end(), job.begin(), job.end());
  const ProgramResult printed = run_program(print);
  REQUIRE(printed.code == 0);
  write_file(folder / "recipe.toml", printed.out);
  REQUIRE(run_program(run).code == 0);
  REQUIRE(run_program({"run", folder / "recipe.toml", folder / "in", "-o", folder / "b", "-q"}).code == 0);
  CHECK((tree(folder / "a") == tree(folder / "b")));
  CHECK(run_program({"verify", folder / "a", folder / "b"}).code == 0);
}

TEST_CASE("verify tells bytes, pixels and missing files apart", "[verify]") {
  TemporaryFolder folder;
  fs::create_directories(folder / "a");
  fs::create_directories(folder / "b");
  const OwnedImage image = picture(31, 17, 1);
  write_picture(folder / "a/x.png", image, "png", {{"compression", "9"}});
  write_picture(folder / "b/x.png", image, "png", {{"compression", "1"}});
  const ProgramResult bytes = run_program({"verify", folder / "a", folder / "b"});
  CHECK(bytes.code == 5);
  CHECK_THAT(bytes.out, Contains("x.png: bytes differ"));
  CHECK(run_program({"verify", "--pixels", folder / "a", folder / "b"}).code == 0);
  write_picture(folder / "b/x.png", picture(31, 17, 2), "png");
  CHECK(run_program({"verify", "--pixels", folder / "a", folder / "b"}).code == 5);
  write_picture(folder / "a/y.png", image, "png");
  const ProgramResult missing = run_program({"verify", folder / "a", folder / "b"});
  CHECK(missing.code == 5);
  CHECK_THAT(missing.out, Contains("y.png: only in"));
}

TEST_CASE("names with any bytes survive, and read-only folders are an environment error", "[run]") {
  TemporaryFolder folder;
  fs::create_directories(folder / "in");
  for (const std::string name : {"-dash.jpg", "new\nline.jpg", "\xff\xfe.jpg", "%s %n.jpg", "bl ank.jpg"})
    write_picture(folder / ("in/" + name), picture(20, 20, 3), "jpeg");
  const ProgramResult result = run_program({"run", folder / "in", "-o", folder / "out", "--resize", "10x", "-v"});
  INFO(result.err);
  CHECK(result.code == 0);
  const auto made = tree(folder / "out");
  for (const std::string name : {"-dash.jpg", "new\nline.jpg", "\xff\xfe.jpg", "%s %n.jpg", "bl ank.jpg"})
    CHECK(made.contains(name));
}

TEST_CASE("a picture that a later stage cannot work on fails alone, whole or spread", "[run]") {
  TemporaryFolder folder;
  fs::create_directories(folder / "in");
  NaiveImage framed = make_naive(200, 200, {stages::Model::bgr, stages::Depth::u8, false});
  for (int y = 90; y < 110; ++y)
    for (int x = 90; x < 110; ++x) framed.at(x, y, 1) = 255;
  write_picture(folder / "in/framed.png", OwnedImage(framed), "png");
  write_picture(folder / "in/plain.png", picture(300, 300, 1), "png");
  for (const std::string tiling : {"whole", "spread"}) {
    const std::string out = folder / tiling;
    const ProgramResult result = run_program(
        {"run", folder / "in", "-o", out, "--tiling", tiling, "-j2", "-s", "trim", "-s", "crop 50x50+100+100"});
    INFO(tiling << "\n" << result.err);
    CHECK(result.code == 1);
    CHECK(tree(out).size() == 1);
    CHECK(manifest(out).size() == 2);
  }
  CHECK((tree(folder / "whole") == tree(folder / "spread")));
}

TEST_CASE("a list from a pipe is read once and worked on, and replaces no other input", "[run]") {
  TemporaryFolder folder;
  fs::create_directories(folder / "in");
  write_picture(folder / "in/a.png", picture(40, 30, 1), "png");
  write_picture(folder / "in/a.jpg", picture(40, 30, 2), "jpeg");
  const std::string before = read_file(folder / "in/a.jpg");
  const auto piped = [&](const std::string& words) {
    const std::string command = fmt::format("cd '{}' && ls -1 a.png a.jpg | '{}' run {} > '{}' 2>&1", folder / "in",
                                            TESSERA_PROGRAM, words, folder / "log");
    const int status = std::system(command.c_str());
    return WEXITSTATUS(status);
  };
  CHECK(piped("--files-from - -o . -f jpeg --on-exist overwrite --resize 10x10") != 0);
  CHECK(read_file(folder / "in/a.jpg") == before);
  // Streamed, both want out/a.jpg: the second is refused, whichever it is.
  CHECK(piped("--files-from - -o out -f jpeg --on-exist skip --resize 10x10") == 1);
  CHECK_THAT(read_file(folder / "log"), Contains("a.png") && Contains("a.jpg"));
  CHECK(tree(folder / "in/out").size() == 1);
  CHECK(piped("--files-from /dev/stdin -o out2 --resize 10x10") == 0);
  CHECK(tree(folder / "in/out2").size() == 2);
}

}  // namespace tessera::tests
