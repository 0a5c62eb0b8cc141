// Rows 7-10, 42 and 44: workers that never answer, clocks that jump, machines that sleep.
#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>

#include "tests/faults/harness.h"

namespace tessera::tests {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;
const Words kOneSecond{"--timeout", "1s"};  // of CPU time; 4 * 1 s + 2 s of wall time
// Wall time is twelve times that, so that a loaded machine does not come to it first.
const Words kQuarter{"--timeout", kSanitized ? "1s" : "250ms"};

void check_loops(const Way& way, int loops) {
  Batch batch;
  std::vector<std::string> faulty;
  for (int i = 0; i < loops; ++i) batch.add_fault("loop@decode", faulty.emplace_back(fmt::format("fault{}", i)));
  INFO(loops << " in " << way.name);
  const Observed seen = check_batch(batch, way.flags + kQuarter, faulty,
                                    {.status = "failed", .reason = "timeout", .words = {"of processor time"}});
  for (const auto& row : timings_of(batch.out()))
    if (row["status"] == "failed") {
      CHECK(row["crashes"] == 0);
      if (loops == 1) CHECK(row["jobs"] == 1);  // it would loop again; several in a worker interrupt each other
    }
  if (!kSanitized) CHECK(seen.seconds < 20);
}

}  // namespace

TEST_CASE("row 07: an endless loop ends with its CPU time, and is not tried again", "[faults]") {
  for (const Way& way : isolated_ways()) check_loops(way, 1);
}

TEST_CASE("row 07: endless loops in all slots of all workers end with their CPU time", "[faults]") {
  check_loops(isolated_ways().back(), 4);
}

TEST_CASE("row 08: a job that sleeps for ever ends with its wall time, tried twice", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("sleep@decode");
    check_batch(batch, way.flags + kOneSecond, {"fault"}, {.status = "failed", .reason = "timeout"});
    for (const auto& row : timings_of(batch.out()))
      if (row["status"] == "failed") CHECK(row["jobs"] == 2);
  }
}

TEST_CASE("row 09: a worker that was stopped is killed, and its image done by another", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("sleep@decode:1000");
    bool stopped = false;
    check_batch(batch, way.flags + kOneSecond, {"fault"}, {.code = 0}, [&](Program& program) {
      // Once the other worker has done some, all that a stopped one can hold is the image that sleeps, or its next.
      if (stopped || tree(batch.out()).size() < 3) return;
      const auto workers = program.workers();
      if (!workers.empty()) stopped = kill(workers[0], SIGSTOP) == 0;
    });
    CHECK(stopped);
  }
}

// The pause alone is longer than the job's limit by the clock, and the job is not over when it ends.
TEST_CASE("row 10: while everything is stopped no deadline runs, and nobody is killed", "[faults]") {
  constexpr std::uint64_t kTimeoutMs = kSanitized ? 1000 : 250, kWallMs = 4 * kTimeoutMs + 2000;
  const std::uint64_t pause_ms = number_from("TESSERA_PAUSE_S", 0) * 1000 + kWallMs + 1000;
  for (const bool workers_too : {false, true})
    for (const Way& way : isolated_ways()) {
      Batch batch;
      batch.add_fault(fmt::format("sleep@decode:{}", pause_ms + 1500));
      bool paused = false;
      const auto meanwhile = [&](Program& program) {
        const auto workers = program.workers();
        if (paused || workers.size() < 2 || tree(batch.out()).empty()) return;
        paused = true;
        kill(program.pid(), SIGSTOP);
        if (workers_too)
          for (const int pid : workers) kill(pid, SIGSTOP);
        const auto until = Clock::now() + std::chrono::milliseconds(pause_ms);
        while (Clock::now() < until) usleep(10000);
        for (const int pid : workers) kill(pid, SIGCONT);
        kill(program.pid(), SIGCONT);
      };
      const Words timeout{"--timeout", fmt::format("{}ms", kTimeoutMs)};
      const Observed seen = check_batch(batch, way.flags + timeout, {"fault"},
                                        {.code = 0, .limit_s = 60 + static_cast<double>(pause_ms) / 1000}, meanwhile);
      CHECK(paused);
      CHECK(seen.workers.size() == 2);
      CHECK(timing_of(batch.out(), "fault")["jobs"] == 1);
    }
}

TEST_CASE("row 42: an answer that races its deadline has exactly one outcome", "[faults]") {
  Batch batch;
  batch.clean();
  std::vector<std::string> racing;
  for (int ms = 5950; ms <= 6050; ms += 20) {
    racing.push_back(fmt::format("race{}", ms));
    batch.add_fault(fmt::format("sleep@finish:{}", ms), racing.back());
  }
  const Observed seen = run_watched(batch.words(Words{"-j6"} + kOneSecond));
  INFO(seen.result.err);
  CHECK((seen.result.code == 0 || seen.result.code == 1));
  check_invariant(batch, seen, racing);
  for (const std::string& name : racing) {
    const auto row = row_of(batch.out(), name);
    CHECK((row["status"] == "done" || row["status"] == "failed"));
    if (row["status"] == "failed" && row.contains("reason")) CHECK(row["reason"] == "timeout");
  }
}

// The wall clock of this machine is everybody's: only the program's readings of it jump, those of libc, not the
// kernel's own. That no timer of the program follows the kernel's is seen in /proc.
TEST_CASE("row 44: a wall clock that jumps moves no deadline", "[faults]") {
  for (const std::string jump : {"100000", "-100000"})
    for (const Way& way : isolated_ways()) {
      Batch batch;
      batch.add_fault("sleep@decode:1500");
      batch.clean();
      const IoFault fault("clock:500:" + jump);
      int timers = 0, others = 0;
      check_batch(batch, way.flags + kOneSecond, {"fault"}, {.code = 0}, [&](Program& program) {
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fdinfo", program.pid()), ignored)) {
          const std::string info = read_file(entry.path());
          if (const auto at = info.find("clockid: "); at != std::string::npos)
            ++(info.compare(at, 10, "clockid: 1") == 0 ? timers : others);  // CLOCK_MONOTONIC
        }
      });
      CHECK(timers > 0);
      CHECK(others == 0);
      for (const auto& row : timings_of(batch.out())) CHECK(row["jobs"].get<int>() == 1);
    }
}

TEST_CASE("row 44: a wall clock that jumps while a job hangs does not put off its end", "[faults]") {
  for (const std::string jump : {"100000", "-100000"}) {
    Batch batch;
    batch.add_fault("loop@decode");
    batch.clean();
    const IoFault fault("clock:300:" + jump);
    const Observed seen =
        check_batch(batch, processes().flags + kQuarter, {"fault"}, {.status = "failed", .reason = "timeout"});
    if (!kSanitized) CHECK(seen.seconds < 10);
  }
}

}  // namespace tessera::tests
