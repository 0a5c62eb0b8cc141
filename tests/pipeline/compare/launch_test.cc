// One launched process: how it ended, what it took, and that nothing of it is left.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "pipeline/compare/launch.h"
#include "pipeline/compare/memory_sample.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
using namespace pipeline;
using Catch::Matchers::Contains;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kMiB = 1 << 20;

Observation shell(const std::string& script, const LaunchOptions& options = {}) {
  return launch({"sh", "-c", script}, options);
}

double cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void burn(double seconds) {
  while (cpu_s() < seconds) {
  }
}

/// Mapped pages with something in them.
char* touched(std::size_t bytes, int flags) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  std::memset(memory, 1, bytes);
  return static_cast<char*>(memory);
}

LaunchOptions sampling() {
  LaunchOptions options;
  options.sample_memory = true;
  return options;
}

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

/// Ends within ten seconds, which leaves time to whoever adopted it.
bool ends(int pid) {
  for (int tries = 0; tries < 1000 && alive(pid); ++tries) usleep(10000);
  return !alive(pid);
}

}  // namespace

TEST_CASE("a launch tells exit codes, signals and what was written", "[launch]") {
  const std::size_t before = open_descriptors();
  const Observation fine = shell("echo said; echo wrong >&2; exit 3");
  CHECK(fine.exit_code == 3);
  CHECK(fine.signal == 0);
  CHECK(fine.output == "said\n");
  CHECK(fine.errors == "wrong\n");
  CHECK(fine.wall_s > 0);
  CHECK(fine.ended > fine.started);
  const Observation killed = shell("kill -SEGV $$");
  CHECK(killed.exit_code == -1);
  CHECK(killed.signal == SIGSEGV);
  CHECK_FALSE(killed.killed_late);
  CHECK(shell("read line || exit 9").exit_code == 9);  // standard input is empty
  CHECK(open_descriptors() == before);
}

TEST_CASE("a program that cannot be started is an error with its name", "[launch]") {
  CHECK_THROWS_WITH(launch({"/no/such/program"}, {}), Contains("/no/such/program cannot be started"));
  CHECK_THROWS_AS(launch({"no-such-program-anywhere"}, {}), std::system_error);
}

TEST_CASE("a function runs in a process of its own, and what it throws ends that one", "[launch]") {
  int here = 0;
  const Observation returned = launch(
      [&] {
        here = 1;
        std::printf("%d", static_cast<int>(getpgrp() == getpid()));
        return 7;
      },
      {});
  CHECK(returned.exit_code == 7);
  CHECK(returned.output == "1");
  CHECK(here == 0);
  const Observation threw = launch([]() -> int { throw std::runtime_error("no luck"); }, {});
  CHECK(threw.exit_code == 125);
  CHECK(threw.errors == "no luck\n");
}

TEST_CASE("more output than a pipe holds blocks nobody, and its end is kept", "[launch]") {
  const Observation seen = shell(
      "head -c 3000000 /dev/zero | tr '\\0' x; echo end; head -c 3000000 /dev/zero | tr '\\0' y >&2; echo last >&2");
  CHECK(seen.exit_code == 0);
  CHECK(seen.output.size() == 64 << 10);
  CHECK(seen.output.ends_with("xend\n"));
  CHECK(seen.errors.size() == 64 << 10);
  CHECK(seen.errors.ends_with("ylast\n"));
}

TEST_CASE("at the deadline the whole group is killed, grandchildren too", "[launch]") {
  TemporaryFolder folder;
  LaunchOptions options;
  options.deadline = milliseconds(300);
  const Observation seen = shell(fmt::format("sleep 100 & echo $! > '{}'; wait", folder / "pid"), options);
  CHECK(seen.killed_late);
  CHECK(seen.signal == SIGKILL);
  CHECK(seen.wall_s >= 0.3);
  CHECK(seen.wall_s < 30);
  CHECK(ends(std::stoi(read_file(folder / "pid"))));
  CHECK_FALSE(shell("exit 0", options).killed_late);
}

TEST_CASE("what a program leaves running is killed once it has ended", "[launch]") {
  TemporaryFolder folder;
  const Observation seen = shell(fmt::format("sleep 100 & echo $! > '{}'", folder / "pid"));
  CHECK(seen.exit_code == 0);
  CHECK(seen.wall_s < 30);
  CHECK(ends(std::stoi(read_file(folder / "pid"))));
}

TEST_CASE("a signal to the launcher kills the run and is told", "[launch]") {
  TemporaryFolder folder;
  const SignalWatch signals(2);
  LaunchOptions options;
  options.signals = &signals;
  try {
    shell(fmt::format("echo $$ > '{}'; kill -TERM {}; sleep 100", folder / "pid", getpid()), options);
    FAIL("it came to its end");
  } catch (const Interrupted& interrupted) {
    CHECK(interrupted.signal == SIGTERM);
  }
  CHECK(ends(std::stoi(read_file(folder / "pid"))));
  CHECK_THROWS_AS(shell("exit 0", options), Interrupted);  // nothing is started any more
}

TEST_CASE("processor time and faults are those of grandchildren, too", "[launch]") {
  const auto work = [] {
    burn(0.2);
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      burn(0.3);
      touched(32 * kMiB, MAP_PRIVATE);
      _exit(0);
    }
    waitpid(grandchild, nullptr, 0);
    return 0;
  };
  const Observation seen = launch(work, {});
  CHECK(seen.user_s + seen.system_s >= 0.5);
  CHECK(seen.user_s + seen.system_s < 5);
  CHECK(seen.wall_s >= 0.45);
  CHECK(seen.minor_faults >= 15);  // of 32 MiB, in huge pages at the best
  CHECK(seen.voluntary_switches >= 1);
  CHECK(seen.other_load >= 0);
  CHECK(seen.other_load <= 1);
}

TEST_CASE("without process descriptors a run is watched as well", "[launch]") {
#ifdef TESSERA_FAULTS
  setenv("TESSERA_FAULT_LACKS", "pidfd", 1);
  CHECK(shell("sleep 0.05; exit 4").exit_code == 4);
  LaunchOptions options;
  options.deadline = milliseconds(100);
  CHECK(shell("sleep 100", options).killed_late);
  unsetenv("TESSERA_FAULT_LACKS");
#endif
}

TEST_CASE("memory of a child is seen while it runs", "[launch]") {
  const Observation seen = launch(
      [] {
        touched(64 * kMiB, MAP_PRIVATE);
        usleep(200'000);
        return 0;
      },
      sampling());
  CHECK(seen.memory.samples >= 3);
  CHECK(seen.memory.processes == 1);
  CHECK(seen.memory.private_bytes >= 64 * kMiB);
  CHECK(seen.memory.private_bytes < 96 * kMiB);
  CHECK(seen.memory.pss_bytes >= seen.memory.private_bytes);
  CHECK(launch([] { return 0; }, {}).memory.samples == 0);
}

TEST_CASE("memory that two processes map is no private memory of either", "[launch]") {
  if (kSanitized) return;  // shadow memory is larger than what is looked for
  // Processes are read one after the other, so a sample may fall between two states. Here none of these is higher than
  // the state that is meant: the grandchild maps all first, and both have 16 MiB more once both map all.
  const Observation seen = launch(
      [] {
        void* const shared = mmap(nullptr, 64 * kMiB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        int ready[2];
        if (pipe(ready) != 0) return 1;
        const pid_t grandchild = fork();
        if (grandchild == 0) {
          std::memset(shared, 1, 64 * kMiB);
          touched(16 * kMiB, MAP_PRIVATE);
          if (write(ready[1], "x", 1) != 1) _exit(1);
          pause();
        }
        char byte = 0;
        if (read(ready[0], &byte, 1) != 1) return 1;
        std::memset(shared, 1, 64 * kMiB);
        touched(16 * kMiB, MAP_PRIVATE);
        usleep(300'000);
        kill(grandchild, SIGKILL);
        waitpid(grandchild, nullptr, 0);
        return 0;
      },
      sampling());
  CHECK(seen.exit_code == 0);
  CHECK(seen.memory.processes == 2);
  CHECK(seen.memory.pss_bytes >= 96 * kMiB);
  CHECK(seen.memory.pss_bytes < 128 * kMiB);
  CHECK(seen.memory.private_bytes >= 32 * kMiB);
  CHECK(seen.memory.private_bytes < 64 * kMiB);
}

TEST_CASE("a window counts with its pages, mapped or not, and once", "[launch]") {
  if (kSanitized) return;  // shadow memory is larger than what is looked for
  const Observation seen = launch(
      [] {
        const int window = memfd_create("window", 0), again = dup(window);
        const std::string mib(kMiB, 'x');
        for (int i = 0; i < 48; ++i)
          if (write(again, mib.data(), mib.size()) != static_cast<ssize_t>(mib.size())) return 1;
        touched(8 * kMiB, MAP_PRIVATE);  // so that the highest moment is this one
        usleep(200'000);
        return 0;
      },
      sampling());
  CHECK(seen.exit_code == 0);
  CHECK(seen.memory.windows_bytes >= 48 * kMiB);
  CHECK(seen.memory.windows_bytes < 64 * kMiB);
  CHECK(seen.memory.pss_bytes < 40 * kMiB);
}

TEST_CASE("both ways to find a tree of processes find the same", "[launch]") {
  const Observation seen = launch(
      [] {
        for (int i = 0; i < 2; ++i)
          if (fork() == 0) {
            if (i == 0 && fork() == 0) pause();
            pause();
          }
        std::vector<pid_t> listed, scanned;
        for (int tries = 0; tries < 500 && listed.size() != 4; ++tries) {
          listed = process_tree(getpid());
          usleep(10'000);
        }
        scanned = process_tree_by_parents(getpid());
        std::ranges::sort(listed);
        std::ranges::sort(scanned);
        return listed.size() == 4 && listed == scanned ? 0 : 1;
      },
      {});
  CHECK(seen.exit_code == 0);
  CHECK_FALSE(sample_memory(1 << 22).has_value());
}

TEST_CASE("a limit of data memory holds for the run", "[launch]") {
  LaunchOptions options;
  options.data_limit = 64 * kMiB;
  const auto allocate = [] {
    return mmap(nullptr, 128 * kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 1 : 0;
  };
  CHECK(launch(allocate, options).exit_code == 1);
  CHECK(launch(allocate, {}).exit_code == 0);
}

}  // namespace tessera::tests
