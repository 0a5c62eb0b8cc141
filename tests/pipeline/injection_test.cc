// Injected faults in single runs: what they do, where they strike, and that nobody but a command of the program itself
// can bring one about.
#include "pipeline/injection.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <opencv2/core/utility.hpp>
#include <set>

#include "pipeline/commands/run.h"
#include "pipeline/compare/launch.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using namespace pipeline;
using Catch::Matchers::Contains;
using Words = std::vector<std::string>;

namespace {

constexpr std::uint64_t kEnough = 1 << 30;

/// As a command does it: in a forked child, without core dumps.
Observation in_child(const std::function<int()>& body, std::uint64_t data_limit = kEnough) {
  LaunchOptions options;
  options.data_limit = kSanitized ? 0 : data_limit;
  options.deadline = std::chrono::seconds(60);
  return launch(
      [&] {
        const rlimit none{0, 0};
        setrlimit(RLIMIT_CORE, &none);
        cv::setNumThreads(1);
        return body();
      },
      options);
}

Observation run_with(const Words& words, const Injection& injection) {
  Words all{"tessera", "run"};
  all.insert(all.end(), words.begin(), words.end());
  return in_child([&] { return run_words(all, injection); });
}

}  // namespace

TEST_CASE("injected faults go by their names", "[injection]") {
  const std::set<std::string> names{"crash", "hang", "balloon", "stack-overflow", "heap-corruption"};
  for (const std::string& name : names) {
    REQUIRE(fault_called(name));
    CHECK(to_string(*fault_called(name)) == name);
  }
  CHECK_FALSE(fault_called("none"));
  CHECK_FALSE(fault_called(""));
}

TEST_CASE("each injected fault does what its name says", "[injection]") {
  const auto deed = [](InjectedFault fault) {
    return [fault] {
      commit_fault(fault);
      return 0;
    };
  };
  CHECK(in_child(deed(InjectedFault::crash)).signal == SIGSEGV);
  CHECK(in_child(deed(InjectedFault::stack_overflow)).signal == SIGSEGV);
  LaunchOptions soon;
  soon.deadline = std::chrono::milliseconds(700);
  const Observation hung = launch(deed(InjectedFault::hang), soon);
  CHECK(hung.killed_late);
  CHECK(hung.user_s > 0.1);  // it loops: it does not sleep
  if (kSanitized) return;    // their allocators have other bookkeeping, and no limit of memory
  const Observation damaged = in_child(deed(InjectedFault::heap_corruption));
  CHECK(damaged.signal == SIGABRT);
  CHECK_THAT(damaged.errors, Contains("invalid next size"));
}

TEST_CASE("a balloon takes what the limit allows and gives it back", "[injection]") {
  if (kSanitized) return;
  const auto balloon = [] {
    try {
      commit_fault(InjectedFault::balloon);
    } catch (const std::bad_alloc&) {
      const std::vector<char> again(100 << 20, 1);  // what it held can be had again
      rusage usage{};
      getrusage(RUSAGE_SELF, &usage);
      return usage.ru_maxrss > 200 << 10 && again.back() == 1 ? 7 : 8;
    }
    return 0;
  };
  CHECK(in_child(balloon, 300 << 20).exit_code == 7);
}

TEST_CASE("a balloon is refused where no limit of memory is in force", "[injection]") {
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_DATA, &limit) == 0);
  REQUIRE(limit.rlim_cur == RLIM_INFINITY);
  CHECK_THROWS_WITH(commit_fault(InjectedFault::balloon), Contains("RLIMIT_DATA"));
}

TEST_CASE("a fault strikes its own image in whole and in spread pictures", "[injection]") {
  for (const Words& tiling : {Words{"--tiling", "whole"}, Words{"--tiling", "spread"}}) {
    TemporaryFolder folder;
    write_photos(folder / "in", 5, 300, 200);
    Words words{folder / "in", "-o", folder / "out", "-s", "sharpen 0.5", "-j2", "-v"};
    words.insert(words.end(), tiling.begin(), tiling.end());
    const Observation seen = run_with(words, {InjectedFault::crash, 3});
    INFO(tiling[1] << "\n" << seen.errors);
    CHECK(seen.exit_code == 1);
    std::size_t lost = 0;
    for (const auto& row : manifest(folder / "out")) {
      if (row["status"] == "done") continue;
      ++lost;
      CHECK(row["status"] == "quarantined");
      CHECK(row["source"] == folder / "in/p03.jpg");
      CHECK_THAT(row["error_message"].get<std::string>(), Contains("signal 11") && Contains("injected fault"));
    }
    CHECK(lost == 1);
    CHECK(tree(folder / "out").size() == 4);
  }
}

TEST_CASE("a run that a fault ended goes on without it as the same run", "[injection]") {
  TemporaryFolder folder;
  write_photos(folder / "in", 8, 300, 200);
  const Words recipe{folder / "in", "-s", "sharpen 0.5", "--memory", "256M"};
  const auto into = [&](const std::string& name, const Words& more) {
    Words words = recipe;
    words.insert(words.end(), {"-o", folder / name});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const Observation died = run_with(into("out", {"--mode", "threads", "-j2"}), {InjectedFault::crash, 4});
  INFO(died.exit_code << died.errors);
  CHECK(died.signal == SIGSEGV);
  CHECK(tree(folder / "out").size() < 8);
  Words resumed = into("out", {"--resume"}), clean = into("clean", {});
  resumed.insert(resumed.begin(), "run");
  clean.insert(clean.begin(), "run");
  CHECK(run_program(resumed).code == 0);
  CHECK(run_program(clean).code == 0);
  CHECK(tree(folder / "out") == tree(folder / "clean"));
  CHECK(leftovers(folder / "out").empty());
}

TEST_CASE("words without an injection are an ordinary run, and bad ones end it as in the program", "[injection]") {
  TemporaryFolder folder;
  write_photos(folder / "in", 3, 80, 60);
  const Observation ordinary = run_with({folder / "in", "-o", folder / "out"}, {});
  INFO(ordinary.errors);
  CHECK(ordinary.exit_code == 0);
  CHECK(tree(folder / "out").size() == 3);
  CHECK(run_with({folder / "in", "-o", folder / "out", "--no-such-flag"}, {}).exit_code == 2);
  CHECK(run_with({folder / "in", "-o", folder / "out"}, {}).exit_code == 2);  // outputs are there
}

TEST_CASE("no flag, stage or recipe key injects a fault", "[injection]") {
  TemporaryFolder folder;
  write_photos(folder / "in", 2, 64, 48);
  const std::string help = run_program({"run", "--help"}).out;
  for (const char* word : {"inject", "crash", "hang", "balloon"}) {
    INFO(word);
    CHECK(help.find(std::string("--") + word) == std::string::npos);
  }
  for (const char* flag : {"--inject", "--injection", "--injected-fault", "--inject-fault"})
    CHECK(run_program({"run", folder / "in", "-o", folder / "out", flag, "crash"}).code == 2);
  for (const char* name : {"crash", "hang", "balloon", "stack-overflow", "stack_overflow", "heap-corruption",
                           "heap_corruption", "inject", "injected", "injection"}) {
    INFO(name);
    CHECK(run_program({"run", folder / "in", "-o", folder / "out", "-s", name}).code == 2);
    CHECK(run_program({"run", folder / "in", "-o", folder / "out", "--set", fmt::format("inject={}", name)}).code == 2);
  }
  for (const char* where : {"", "[input]\n", "[output]\n", "[[stage]]\nop = \"flip\"\n", "[injection]\n"})
    for (const char* key : {"fault", "inject", "injection", "injected-fault"}) {
      INFO(where << key);
      write_file(folder / "recipe.toml", fmt::format("version = 1\n{}{} = \"crash\"\n", where, key));
      CHECK(run_program({"run", folder / "recipe.toml", folder / "in", "-o", folder / "out"}).code == 2);
    }
  CHECK(tree(folder / "out").empty());
}

TEST_CASE("no variable, name or content injects a fault", "[injection]") {
  TemporaryFolder folder;
  write_photos(folder / "in", 2, 64, 48);
  for (const char* name : {"crash.jpg", "fault=crash.jpg", "inject-crash@1.jpg"}) {
    fs::copy_file(folder / "in/p00.jpg", folder / (std::string("in/") + name));
    std::ofstream(folder / (std::string("in/") + name), std::ios::app) << "fault = \"crash\"\ninject=crash\x01\x01";
  }
  for (const char* name : {"TESSERA_INJECT", "TESSERA_INJECTION", "TESSERA_INJECTED_FAULT", "TESSERA_FAULT"})
    setenv(name, "crash", 1);
  const ProgramResult result = run_program({"run", folder / "in", "-o", folder / "out", "-s", "sharpen 0.5", "-j2"});
  INFO(result.err);
  CHECK(result.code == 0);
  CHECK(tree(folder / "out").size() == 5);
  // Beside that: no file that knows of injections asks for a variable.
  int looked_at = 0;
  for (const auto& entry : fs::recursive_directory_iterator(std::string(TESSERA_SOURCE "/pipeline"))) {
    if (!entry.is_regular_file()) continue;
    const std::string text = read_file(entry.path().string());
    if (text.find("njection") == std::string::npos) continue;
    ++looked_at;
    INFO(entry.path());
    CHECK(text.find("getenv") == std::string::npos);
  }
  CHECK(looked_at >= 8);
}

}  // namespace tessera::tests
