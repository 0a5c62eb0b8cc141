// The blast radius, measured: real runs over small pictures that really die, and what is counted of them.
#include "pipeline/compare/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <opencv2/core/utility.hpp>
#include <thread>

#include "pipeline/commands/run.h"
#include "pipeline/compare/fault_fate.h"
#include "pipeline/compare/faults_text.h"
#include "pipeline/compare/image_ends.h"
#include "pipeline/compare/launch.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using namespace pipeline;
using Catch::Matchers::Contains;
using Words = std::vector<std::string>;

namespace {

constexpr int kPhotos = 12;

/// A folder of pictures of different sizes, and a recipe that takes some time over them.
struct Pictures {
  Pictures() {
    fs::create_directories(folder / "in");
    for (int i = 0; i < kPhotos; ++i) {
      const std::string path = folder / fmt::format("in/p{:02}.jpg", i);
      write_picture(path, picture(300 + 20 * i, 240, static_cast<unsigned>(i)), "jpeg");
      set.paths.push_back(path);
      set.bytes += fs::file_size(path);
    }
    write_file(folder / "recipe.toml", "version = 1\n[[stage]]\nop = \"median\"\nradius = 6\n");
    set.program = TESSERA_PROGRAM;
    set.inputs = {folder / "in"};
    set.recipe_path = folder / "recipe.toml";
    set.recipe_words = {"-s", "median 6"};
    set.shown_inputs = {"PHOTOS"};
    set.work = folder / "work";
    fs::create_directories(set.work);
  }
  Json compare(const std::vector<InjectedFault>& faults, const Words& modes, const auto& run) {
    cv::setNumThreads(1);
    FaultsRequest request{.set = set, .faults = faults, .modes = modes, .run = run};
    request.memory = 256 << 20;
    request.patience_s = 1;
    Json section = compare_faults(request);
    CHECK(fs::is_empty(set.work));
    CHECK(section["images"] == kPhotos);
    CHECK(section["rows"].size() == faults.size() * modes.size());
    UNSCOPED_INFO(section.dump(1));
    return section;
  }
  Json compare(const std::vector<InjectedFault>& faults, const Words& modes) {
    return compare(faults, modes, run_words);
  }

  TemporaryFolder folder;
  RunSet set;
};

void check_counts(const Json& row) {
  CHECK(row["done"].get<int>() + row["lost"].get<int>() == kPhotos);
  CHECK(row["lost_for_good"] <= row["lost"]);
  CHECK(row["unnamed"] < row["lost"]);  // the picture itself is never finished
  CHECK(row["identical"] == true);
  CHECK(row["total_s"].get<double>() - row["clean_s"].get<double>() == Approx(row["recover_s"].get<double>()));
  CHECK((row["restarts"] == 0) == row["survived"].get<bool>());
}

/// The run died of `signal`, was resumed until it ended by itself, and lost the picture alone in the end.
void check_died(const Json& row, int signal) {
  check_counts(row);
  CHECK(row["survived"] == false);
  CHECK(row["signal"] == signal);
  CHECK(row["exit_code"].is_null());
  CHECK(row["lost"] >= 1);
  CHECK(row["lost_for_good"] == 1);
  CHECK(row["redone"] >= 1);
  CHECK(row["redone"] <= row["lost"]);  // what had its name is not begun again
  CHECK(row["restarts"] == 2);          // once more, last and alone; then it is left out
}

void check_survived(const Json& row) {
  check_counts(row);
  CHECK(row["survived"] == true);
  CHECK(row["signal"].is_null());
  CHECK(row["exit_code"] == 1);
  CHECK(row["end"] == "exit code 1");
  CHECK(row["lost"] == 1);
  CHECK(row["lost_for_good"] == 1);
  CHECK(row["done"] == kPhotos - 1);
}

}  // namespace

TEST_CASE("a crash ends a thread-mode run by its signal, and its resume completes", "[compare]") {
  Pictures pictures;
  const Json section = pictures.compare({InjectedFault::crash}, {"serial", "threads"});
  for (const Json& row : section["rows"]) {
    INFO(row.dump(1));
    check_died(row, SIGSEGV);
    CHECK(row["end"] == "killed by SIGSEGV");
    CHECK_THAT(row["command"].get<std::string>(), Contains("--mode " + row["mode"].get<std::string>()));
  }
  CHECK_THAT(section["explanation"].get<std::string>(),
             Contains("In serial and threads mode") && Contains("crash ended the whole run (killed by SIGSEGV)"));
  CHECK_THAT(section["method"].get<std::string>(), Contains("--resume") && Contains("RLIMIT_DATA"));
  // The picture of median size: half of the others are larger.
  const auto bytes = fs::file_size(section["picture"].get<std::string>());
  CHECK(std::ranges::count_if(pictures.set.paths, [&](const auto& path) { return fs::file_size(path) < bytes; }) ==
        kPhotos / 2);
  // Largest first, one after the other: what came before the picture was finished, with its name or without.
  const Json& serial = section["rows"][0];
  CHECK(serial["done"].get<int>() + serial["unnamed"].get<int>() ==
        std::ranges::count_if(pictures.set.paths, [&](const auto& path) { return fs::file_size(path) > bytes; }));
}

TEST_CASE("a crash costs worker processes one picture, and those beside it in a worker are cleared", "[compare]") {
  Pictures pictures;
  const Json section = pictures.compare({InjectedFault::crash}, {"processes", "hybrid"});
  for (const Json& row : section["rows"]) {
    INFO(row.dump(1));
    check_survived(row);
    CHECK(row["redone"] >= 1);
    CHECK_THAT(row["said"].get<std::string>(), Contains("died twice") && Contains("injected fault"));
  }
  CHECK_THAT(section["explanation"].get<std::string>(),
             Contains("0 of 2 runs with a fault were lost, at most 1 image without an output"));
}

TEST_CASE("stack overflow and heap corruption end one process, whosever it is", "[compare]") {
  if (kSanitized) return;  // their allocators keep no such books
  Pictures pictures;
  const Json section =
      pictures.compare({InjectedFault::stack_overflow, InjectedFault::heap_corruption}, {"threads", "processes"});
  const Json& rows = section["rows"];
  CHECK(rows[0]["fault"] == "stack-overflow");
  CHECK(rows[1]["fault"] == "stack-overflow");  // one fault's modes beside each other
  CHECK(rows[2]["fault"] == "heap-corruption");
  check_died(rows[0], SIGSEGV);
  check_survived(rows[1]);
  check_died(rows[2], SIGABRT);
  CHECK_THAT(rows[2]["said"].get<std::string>(), Contains("invalid next size"));
  check_survived(rows[3]);
}

TEST_CASE("a balloon costs worker processes its own picture", "[compare]") {
  if (kSanitized) return;  // no limit of memory there
  Pictures pictures;
  const Json section = pictures.compare({InjectedFault::balloon}, {"processes", "threads"});
  check_survived(section["rows"][0]);
  CHECK_THAT(section["rows"][0]["said"].get<std::string>(), Contains("ran out of memory"));
  // What becomes of the threads beside it is theirs to tell, but nothing may be wrong or missing in the end.
  const Json& threads = section["rows"][1];
  check_counts(threads);
  CHECK(threads["lost_for_good"] >= 1);
  CHECK_THAT(section["explanation"].get<std::string>(), Contains("balloon"));
}

TEST_CASE("a hang ends with its worker, and only from outside where there is none", "[compare]") {
  Pictures pictures;
  const Json section = pictures.compare({InjectedFault::hang}, {"threads", "processes"});
  const Json& threads = section["rows"][0];
  check_died(threads, SIGKILL);
  CHECK_THAT(threads["end"].get<std::string>(), Contains("hung: killed after"));
  CHECK_THAT(section["explanation"].get<std::string>(),
             Contains("somebody has to notice") && Contains("hung: killed after") && !Contains("died"));
  check_survived(section["rows"][1]);
  CHECK_THAT(section["rows"][1]["said"].get<std::string>(), Contains("processor time"));
  CHECK_THAT(section["rows"][1]["command"].get<std::string>(), Contains("--timeout 2s"));
}

TEST_CASE("a section about faults has what the schema asks for", "[compare]") {
  Pictures pictures;
  const Json section = pictures.compare({InjectedFault::crash}, {"processes"});
  const Json schema = Json::parse(read_file(TESSERA_SOURCE "/pipeline/compare/compare.schema.json"));
  const Json& faults = schema["definitions"]["faults"];
  for (const Json& key : faults["required"]) CHECK(section.contains(key.get<std::string>()));
  const Json& fields = faults["properties"]["rows"]["items"];
  for (const Json& key : fields["required"]) CHECK(section["rows"][0].contains(key.get<std::string>()));
  for (const auto& [key, value] : section["rows"][0].items()) {
    INFO(key);
    REQUIRE(fields["properties"].contains(key));
  }
  const Json& names = fields["properties"]["fault"]["enum"];
  CHECK(std::ranges::find(names, section["rows"][0]["fault"]) != names.end());
  CHECK(names.size() == 5);
}

TEST_CASE("a set of which nothing can be done is no ground for a comparison of faults", "[compare]") {
  Pictures pictures;
  for (const std::string& path : pictures.set.paths) write_file(path, "no picture");
  CHECK_THROWS_WITH(pictures.compare({InjectedFault::crash}, {"processes"}), Contains("without a fault"));
}

TEST_CASE("a run that cannot start at all ends the comparison with its own sentence", "[compare]") {
  Pictures pictures;
  pictures.set.limits = {"--max-pixels", "many"};
  CHECK_THROWS_WITH(pictures.compare({InjectedFault::crash}, {"processes"}), Contains("--max-pixels"));
}

TEST_CASE("how images ended is read from the manifest, names that are no text among them", "[compare]") {
  TemporaryFolder folder;
  CHECK(image_ends(folder / "out").empty());
  fs::create_directories(folder / "out/.tessera");
  write_file(folder / "out/.tessera/manifest.jsonl",
             "{\"file_name\":\"a.jpg\",\"status\":\"done\",\"error_message\":null,\"source\":\"in/a\"}\n"
             "{\"file_name\":\"b.png\",\"status\":\"done\",\"error_message\":null,\"source\":\"in/a\"}\n"
             "{\"file_name\":null,\"status\":\"failed\",\"error_message\":\"no\",\"source\":\"?\","
             "\"source_bytes\":\"696eff0a\"}\n");
  const auto ends = image_ends(folder / "out");
  REQUIRE(ends.size() == 2);
  CHECK(ends.at("in/a").outputs == Words{"a.jpg", "b.png"});
  CHECK(ends.at("in\xff\n").sentence == "no");
}

TEST_CASE("a short run without a fault is timed three times, a long one once", "[compare]") {
  const auto clean_runs = [](int pause_ms) {
    Pictures pictures;
    const std::string log = pictures.folder / "log";
    const auto run = [&](const Words& words, const Injection& injection) {
      if (injection.fault == InjectedFault::none) {
        std::ofstream(log, std::ios::app) << "x";
        std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
      }
      return run_words(words, injection);
    };
    pictures.compare({InjectedFault::crash}, {"processes"}, run);
    return read_file(log).size();
  };
  CHECK(clean_runs(2100) == 1 + 1);  // the first of all warms up
  if (!kSanitized) CHECK(clean_runs(0) == 1 + 3);
}

TEST_CASE("faults are explained in six sentences at most, each for what really happened", "[compare]") {
  const auto row = [](const char* fault, const char* mode, const char* end, int lost, double recover_s) {
    const bool survived = std::string(end) == "exit code 1";
    return Json{{"fault", fault},  {"mode", mode},          {"end", end},  {"survived", survived},
                {"lost", lost},    {"unnamed", 0},          {"redone", 1}, {"restarts", survived ? 0 : 2},
                {"clean_s", 10.0}, {"recover_s", recover_s}};
  };
  Json rows = Json::array();
  for (const char* mode : {"serial", "threads"}) {
    rows.push_back(row("crash", mode, "killed by SIGSEGV", 8, 3.0));
    rows.push_back(row("heap-corruption", mode, "killed by SIGABRT", 7, 2.0));
    rows.push_back(row("hang", mode, "hung: killed after 20 s", 1, 25.0));
    rows.push_back(row("balloon", mode, "exit code 1", 1, 0.1));
  }
  for (const char* mode : {"processes", "hybrid"})
    for (const char* fault : {"crash", "heap-corruption", "hang", "balloon"})
      rows.push_back(row(fault, mode, "exit code 1", 1, fault == std::string("hang") ? 0.49 : -0.3));
  const std::string text = explain_faults(rows, 12);
  INFO(text);
  CHECK_THAT(text, Contains("crash and heap corruption ended the whole run (killed by SIGSEGV and killed by SIGABRT)"));
  CHECK_THAT(text, Contains("up to 8 of 12 images had no output"));
  CHECK_THAT(text, Contains("up to 3.00 s more than without"));  // not the 25 s that somebody slept
  CHECK_THAT(text, Contains("somebody has to notice") && Contains("hung: killed after 20 s"));
  CHECK_THAT(text, Contains("0 of 8 runs with a fault were lost") && Contains("no measurable difference"));
  CHECK_THAT(text, Contains("A balloon in serial and threads mode") && Contains("the run went on"));
  CHECK_THAT(text, !Contains("not yet named"));
  rows[0]["unnamed"] = 4;
  const std::string more = explain_faults(rows, 12);
  CHECK_THAT(more, Contains("finished but not yet named, too (here up to 4 images)"));
  int sentences = 1;
  for (std::size_t at = more.find(". "); at != std::string::npos; at = more.find(". ", at + 1)) ++sentences;
  CHECK(sentences == 6);
  CHECK_FALSE(took_longer(row("crash", "processes", "exit code 1", 1, 0.49)));
  CHECK_FALSE(took_longer(row("crash", "processes", "exit code 1", 1, -3)));
  CHECK(took_longer(row("crash", "processes", "exit code 1", 1, 0.51)));
}

TEST_CASE("how a run ended is told from what was seen of it", "[compare]") {
  Observation seen;
  seen.exit_code = 1;
  CHECK(how_it_ended(seen) == "exit code 1");
  seen.exit_code = -1;
  seen.signal = SIGABRT;
  CHECK(how_it_ended(seen) == "killed by SIGABRT");
  seen.signal = SIGKILL;
  seen.killed_late = true;
  seen.wall_s = 19.7;
  CHECK(how_it_ended(seen) == "hung: killed after 20 s");
  CHECK(last_line("one\ntwo\x1b\n\n") == "two\\x1b");
  CHECK(last_line("").empty());
}

}  // namespace tessera::tests
