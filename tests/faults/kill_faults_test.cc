// Rows 33-35: workers that are killed from outside, at every step of theirs.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>

#include "tests/faults/harness.h"

namespace tessera::tests {

TEST_CASE("row 33: a worker killed at any of its steps costs nothing, and each item counts once", "[faults]") {
  for (const std::string point :
       {"worker.forked", "worker.sandboxed", "worker.before_ready", "worker.after_ready", "worker.assigned",
        "worker.decoded", "worker.half_written", "worker.before_done", "worker.after_done"}) {
    Batch batch;
    batch.add_fault("none@decode");
    batch.clean();
    const bool at_start = point == "worker.forked" || point == "worker.sandboxed" || point.ends_with("_ready");
    for (const Way& way : isolated_ways())
      for (const int turn : at_start ? std::vector<int>{1, 2} : std::vector<int>{1, 4, 11}) {
        INFO(fmt::format("{} passed for the {}. time in {}", point, turn, way.name));
        const Environment at("TESSERA_FAULT_AT", fmt::format("{}:{}", point, turn));
        check_batch(batch, way.flags, {"fault"}, {.code = 0});
      }
  }
}

TEST_CASE("row 33: a worker killed while an image is spread costs nothing", "[faults]") {
  for (const std::string point : {"worker.decoded", "worker.assigned", "worker.before_done"}) {
    Batch batch;
    write_picture(batch.in() + "/large.png", some_picture(500, 400, 7), "png");
    batch.clean();
    for (const int turn : {1, 3, 6}) {
      INFO(fmt::format("{} passed for the {}. time", point, turn));
      const Environment at("TESSERA_FAULT_AT", fmt::format("{}:{}", point, turn));
      check_batch(batch, {"-j2", "--tiling", "spread", "--band-rows", "32"}, {"large"}, {.code = 0});
    }
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
  Batch batch;
  batch.add_fault("stop@decode");
  batch.clean();
  int killed = 0, replaced_by = 0;
  const auto meanwhile = [&](Program& program) {
    const auto busy = stopped_worker(program);
    if (!busy) return;
    // The other one has nothing left to do once all ordinary pictures are out.
    if (tree(batch.out()).size() < kOrdinary) return;
    for (const int pid : program.workers())
      if (pid != *busy && killed == 0) {
        killed = pid;
        kill(pid, SIGKILL);
      } else if (pid != *busy && pid != killed) {
        replaced_by = pid;
      }
    if (replaced_by != 0) kill(*busy, SIGCONT);
  };
  check_batch(batch, {"-j2"}, {"fault"}, {.code = 0}, meanwhile);
  CHECK(killed != 0);
  CHECK(replaced_by != 0);
  for (const auto& row : timings_of(batch.out())) CHECK(row["crashes"] == 0);
}

}  // namespace tessera::tests
