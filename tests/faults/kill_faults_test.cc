// Rows 33-35: workers that are killed from outside, at every step of theirs.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <optional>

#include "tests/faults/harness.h"

namespace tessera::tests {
using Clock = std::chrono::steady_clock;

TEST_CASE("row 33: a worker killed at any of its steps costs nothing, and each item counts once", "[faults]") {
  for (const std::string point :
       {"worker.forked", "worker.sandboxed", "worker.before_ready", "worker.after_ready", "worker.assigned",
        "worker.decoded", "worker.half_written", "worker.before_done", "worker.after_done"}) {
    Batch batch;
    batch.add_fault("none@decode");
    batch.clean();
    const bool at_start = point == "worker.forked" || point == "worker.sandboxed" || point.ends_with("_ready");
    const bool after_answer = point == "worker.after_done";
    for (const Way& way : isolated_ways())
      for (const std::uint64_t turn :
           at_start ? std::vector<std::uint64_t>{1, 2} : std::vector<std::uint64_t>{1, 4, 11}) {
        INFO(fmt::format("{} passed for the {}. time in {}", point, turn, way.name));
        const FaultAt at(fmt::format("{}:{}", point, turn));
        check_batch(batch, way.flags, {"fault"}, {.code = 0});
        CHECK(at.passed() >= turn);
        // A job that was held then was tried once more; an answer that had been sent counted. In a hybrid worker the
        // other slot may have held one as well.
        std::uint64_t crashes = 0;
        for (const auto& row : timings_of(batch.out())) crashes += row["crashes"].get<std::uint64_t>();
        const std::uint64_t slots = way.flags.size() > 1 ? 2 : 1;
        const bool ready = !at_start || point == "worker.after_ready";
        CHECK(crashes >= (at_start || after_answer ? 0u : 1u));
        CHECK(crashes <= (ready ? slots : 0u));
      }
  }
}

TEST_CASE("row 33: a worker killed while an image is spread costs nothing", "[faults]") {
  for (const std::string point : {"worker.decoded", "worker.assigned", "worker.before_done", "worker.after_done"}) {
    Batch batch;
    write_picture(batch.in() + "/large.png", some_picture(500, 400, 7), "png");
    batch.clean();
    for (const Words& way : {Words{"-j2"}, Words{"-j2", "--threads", "2"}})
      for (const std::uint64_t turn : {1, 3, 6}) {
        INFO(fmt::format("{} passed for the {}. time in {}", point, turn, fmt::join(way, " ")));
        const FaultAt at(fmt::format("{}:{}", point, turn));
        check_batch(batch, way + Words{"--tiling", "spread", "--band-rows", "32"}, {"large"}, {.code = 0});
        CHECK(at.passed() >= turn);
      }
  }
}

// A large image is spread over two workers of two slots: its first band, beside the decoded frame, takes its time, and
// the others are finished in both workers by then. The worker that holds only finished ones gets a file that kills it.
TEST_CASE("row 34: an image that loses finished bands with another image's worker is computed again, unblamed",
          "[faults]") {
  Batch batch;
  batch.job = {"-s", "fault sleep width=333 y=0 argument=1200", "-s", "sharpen amount=0.5"};
  write_picture(batch.in() + "/large.png", some_picture(333, 222, 99), "png");
  batch.clean();
  const Words flags{"-j2", "--threads", "2", "--tiling", "spread", "--band-rows", "32"};
  check_batch(batch, flags, {"large"}, {.code = 0});
  const std::string expected = tree(batch.out()).at("large.png");
  const auto jobs_of_large = [&] { return timing_of(batch.out(), "large")["jobs"].get<int>(); };
  const int usual_jobs = jobs_of_large();
  batch.add_fault("late_segv@probe:500");
  check_batch(batch, flags, {"fault"}, {.reason = "crashed"});
  CHECK((tree(batch.out()).at("large.png") == expected));
  CHECK(timing_of(batch.out(), "fault")["crashes"] == 2);
  CHECK(timing_of(batch.out(), "large")["crashes"] == 0);
  CHECK(jobs_of_large() > usual_jobs);
}

// The same without another image: the other worker is done with its bands, idle, and killed.
TEST_CASE("row 34: an image whose finished bands go with an idle worker is computed again, unblamed", "[faults]") {
  Batch batch;
  batch.job = {"-s", "fault stop width=333 y=0", "-s", "sharpen amount=0.5"};
  write_picture(batch.in() + "/large.png", some_picture(333, 222, 99), "png");
  batch.clean();
  for (const Way& way : isolated_ways()) {
    INFO(way.name);
    const Words flags = way.flags + Words{"--tiling", "spread", "--band-rows", "32"};
    check_batch(batch, flags, {"large"}, {.code = 0}, [](Program& program) {
      if (const auto pid = stopped_worker(program)) kill(*pid, SIGCONT);
    });
    const std::string expected = tree(batch.out()).at("large.png");
    const int usual_jobs = timing_of(batch.out(), "large")["jobs"].get<int>();
    std::optional<Clock::time_point> met;
    int killed = 0;
    check_batch(batch, flags, {"large"}, {.code = 0}, [&](Program& program) {
      const auto pid = stopped_worker(program);
      if (!pid) return;
      if (!met) met = Clock::now();
      if (Clock::now() < *met + std::chrono::milliseconds(400)) return;  // all but the first band is done by then
      for (const int other : program.workers())
        if (other != *pid && killed == 0) killed = other, kill(other, SIGKILL);
      // The coordinator is to know of the death before the band ends, or it sends the dying worker the next job.
      if (killed == 0 || kill(killed, 0) != 0) kill(*pid, SIGCONT);
    });
    CHECK(killed != 0);
    CHECK((tree(batch.out()).at("large.png") == expected));
    CHECK(timing_of(batch.out(), "large")["crashes"] == 0);
    CHECK(timing_of(batch.out(), "large")["jobs"].get<int>() > usual_jobs);
  }
}

TEST_CASE("row 34: a death that takes another image's bands along costs that image nothing", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.job = Words{"-s", "fault segv width=333 y=100"} + batch.job;
    write_picture(batch.in() + "/faulty.png", some_picture(333, 222, 99), "png");
    for (unsigned i = 0; i < 6; ++i)
      write_picture(fmt::format("{}/other{}.png", batch.in(), i), some_picture(300, 280, i), "png");
    INFO(way.name);
    const Words flags = way.flags + Words{"--tiling", "spread", "--band-rows", "32"};
    const Observed seen = run_watched(batch.words(flags));
    INFO(seen.result.err);
    CHECK(seen.result.code == 1);
    check_invariant(batch, seen, {"faulty"});
    CHECK(row_of(batch.out(), "faulty")["status"] == "quarantined");
    for (unsigned i = 0; i < 6; ++i) CHECK(row_of(batch.out(), fmt::format("other{}", i))["status"] == "done");
  }
}

TEST_CASE("row 35: an idle worker that is killed is replaced, and nobody is blamed", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("stop@decode");
    batch.clean();
    int killed = 0, replaced_by = 0;
    std::optional<Clock::time_point> met;
    const auto meanwhile = [&](Program& program) {
      const auto busy = stopped_worker(program);
      if (!busy) return;
      // The other one has nothing left to do once all is out but what the stopped one holds.
      if (tree(batch.out()).size() + 1 < kOrdinary) return;
      if (!met) met = Clock::now();
      if (Clock::now() < *met + std::chrono::milliseconds(200)) return;
      for (const int pid : program.workers())
        if (pid != *busy && killed == 0) {
          killed = pid;
          kill(pid, SIGKILL);
        } else if (pid != *busy && pid != killed) {
          replaced_by = pid;
        }
      if (replaced_by != 0) kill(*busy, SIGCONT);
    };
    check_batch(batch, way.flags, {"fault"}, {.code = 0}, meanwhile);
    CHECK(killed != 0);
    CHECK(replaced_by != 0);
    for (const auto& row : timings_of(batch.out())) CHECK(row["crashes"] == 0);
  }
}

}  // namespace tessera::tests
