// The canary: everything that jobs do, in workers under the policy of this build; and `tessera doctor`.
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "pipeline/canary.h"
#include "stages/catalogue.h"
#include "stages/codec.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using namespace pipeline;
using Catch::Matchers::Contains;

namespace {

/// Pretends, as long as it lives, that the kernel lacks something.
class Lacking {
 public:
  explicit Lacking(const char* what) { setenv("TESSERA_FAULT_LACKS", what, 1); }
  ~Lacking() { unsetenv("TESSERA_FAULT_LACKS"); }
  Lacking(const Lacking&) = delete;
  Lacking& operator=(const Lacking&) = delete;
};

nlohmann::json diagnosis(const std::vector<std::string>& more, int expected_code) {
  std::vector<std::string> words{"doctor", "--json"};
  words.insert(words.end(), more.begin(), more.end());
  const ProgramResult result = run_program(words);
  INFO(result.out << result.err);
  REQUIRE(result.code == expected_code);
  return nlohmann::json::parse(result.out);
}

}  // namespace

TEST_CASE("every codec and every stage does the same inside the sandbox, with any number of threads", "[doctor]") {
  const std::vector<CanaryCase> cases = canary_cases();
  const std::vector<int> threads = canary_thread_counts();
  REQUIRE(threads.size() == 3);
  const std::vector<CanaryResult> results = run_canary(cases, workers::Sandbox::automatic, threads);
  for (const CanaryResult& result : results) {
    INFO(result.what << ", " << result.threads << " threads: " << result.error);
    CHECK(result.error.empty());
  }
  CHECK(results.size() == cases.size() * threads.size());
  for (const stages::Codec* const codec : stages::listed_codecs())
    CHECK(std::ranges::any_of(cases, [&](const CanaryCase& c) { return c.what.starts_with(codec->name()); }));
  for (const stages::StageEntry& entry : stages::catalogue())
    CHECK(std::ranges::any_of(cases, [&](const CanaryCase& c) { return c.what == entry.name; }));
}

TEST_CASE("the canary names what the sandbox kills, what fails and what differs, and clears their neighbours",
          "[doctor]") {
  const pid_t self = getpid();
  const Hash128 good{std::byte{1}};
  const auto is_shut_in = [] { return access("/", F_OK) != 0; };
  const std::vector<CanaryCase> cases = {
      {"good", [good](int) { return good; }},
      {"forks",
       [=](int) {
         if (is_shut_in() && fork() == 0) _exit(0);
         return good;
       }},
      {"fails", [](int) -> Hash128 { throw std::runtime_error("It is upside down."); }},
      {"differs", [=](int) { return is_shut_in() ? Hash128{} : good; }},
      {"dies",
       [=](int) {
         if (is_shut_in()) raise(SIGSEGV);
         return good;
       }},
      {"good as well", [=](int) { return getpid() == self ? Hash128{} : good; }},
  };
  const std::array threads{1, 3};
  const std::vector<CanaryResult> results = run_canary(cases, workers::Sandbox::automatic, threads);
  REQUIRE(results.size() == 12);
  for (std::size_t i = 0; i < results.size(); i += 6) {
    INFO(results[i].threads << " threads");
    CHECK(results[i].error.empty());
    CHECK_THAT(results[i + 1].error, Contains("a system call that the sandbox does not allow"));
    CHECK(results[i + 2].error == "It is upside down.");
    CHECK_THAT(results[i + 3].error, Contains("other pixels"));
    CHECK_THAT(results[i + 4].error, Contains("signal 11"));
    CHECK(results[i + 5].error.empty());
  }
}

TEST_CASE("doctor says what there is, and leaves nothing in the folder that it looked at", "[doctor]") {
  TemporaryFolder folder;
  const nlohmann::json report = diagnosis({"-o", folder.path()}, 0);
  CHECK(report["problems"].empty());
  CHECK(report["sandbox"]["seccomp"] == true);
  CHECK(report["shared_memory"]["memfd"] == true);
  CHECK(report["output"]["writable"] == true);
  CHECK(report["output"]["journal"] == true);
  CHECK(report["cpus"]["jobs_by_default"] >= 1);
  CHECK(report["canary"]["tried"] > 100);
  CHECK(report["canary"]["failed"] == 0);
  for (const stages::Codec* const codec : stages::listed_codecs())
    CHECK_THAT(report["formats"][std::string(codec->name())].get<std::string>(), Contains(codec->library()));
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("doctor's text says the same, and looks above a folder that is not there yet", "[doctor]") {
  TemporaryFolder folder;
  const ProgramResult result = run_program({"doctor", "-o", folder / "not/yet"});
  CHECK(result.code == 0);
  CHECK_THAT(result.out, Contains("looked at                " + folder.path() + "\n"));
  CHECK_THAT(result.out, Contains("seccomp                  yes"));
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("a folder that takes no files is a problem, and exit code 4", "[doctor]") {
  const nlohmann::json report = diagnosis({"-o", "/proc/self"}, 4);
  CHECK_THAT(report["problems"].at(0).get<std::string>(), Contains("No file can be made in /proc/self"));
  CHECK_THAT(diagnosis({"-o", "/dev/null"}, 4)["problems"].at(0).get<std::string>(), Contains("is not a folder"));
}

#ifdef TESSERA_FAULTS
TEST_CASE("doctor says what an old kernel would cost", "[doctor]") {
  TemporaryFolder folder;
  {
    const Lacking lacking("landlock,seccomp,tmpfile");
    const nlohmann::json report = diagnosis({"-o", folder.path()}, 0);
    CHECK(report["sandbox"]["landlock_version"] == 0);
    CHECK(report["output"]["files_without_a_name"] == false);
    CHECK(report["degraded"].size() >= 3);
  }
  const Lacking lacking("pidfd");
  CHECK_THAT(diagnosis({}, 4)["problems"].at(0).get<std::string>(), Contains("pidfd"));
}

TEST_CASE("a run says once what is missing of the sandbox, refuses when told to, and works on without", "[doctor]") {
  TemporaryFolder folder;
  const Lacking lacking("landlock,seccomp,tmpfile");
  const std::vector<std::string> job{"run", sample_photos(), "--resize", "64x64"};
  const auto run_with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), job.begin(), job.end());
    return run_program(more);
  };
  const ProgramResult refused = run_with({"-o", folder / "a", "--sandbox=require"});
  CHECK(refused.code == 4);
  CHECK_THAT(refused.err, Contains("Landlock is missing") && Contains("seccomp is missing"));
  const ProgramResult degraded = run_with({"-o", folder / "b"});
  CHECK(degraded.code == 0);
  CHECK_THAT(degraded.err, Contains("Landlock is missing") && Contains("seccomp is missing"));
  CHECK(degraded.err.find("Landlock is missing") == degraded.err.rfind("Landlock is missing"));
  CHECK(run_with({"-o", folder / "c", "-q"}).err.empty());
  CHECK_THAT(run_with({"-o", folder / "d", "--sandbox=off"}).err, Contains("any system call"));
  CHECK(tree(folder / "b") == tree(folder / "d"));
  CHECK(leftovers(folder / "b").empty());
}
#endif

}  // namespace tessera::tests
