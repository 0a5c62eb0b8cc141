// Rows 11, 14 and 15: what is taken without end: memory, descriptors, threads, processes.
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/faults/harness.h"

namespace tessera::tests {
namespace fs = std::filesystem;
namespace {

const Words kSmall{"--worker-memory", "200M"};

}  // namespace

// The sanitizers' runtimes take address space as they please: no RLIMIT_DATA there, and nothing to be seen.
TEST_CASE("row 11: a balloon ends at its worker's limit, out of memory, and the coordinator stays flat", "[faults]") {
  if (kSanitized) return;
  for (const char* op : {"balloon", "big_alloc"})
    for (const Way& way : isolated_ways()) {
      Batch batch;
      batch.add_fault(std::string(op) + "@decode");
      INFO(op << " in " << way.name);
      const Observed seen = check_batch(batch, way.flags + kSmall, {"fault"},
                                        {.status = "failed", .reason = "out_of_memory", .words = {"--worker-memory"}});
      CHECK(seen.coordinator.private_bytes < 64u << 20);
      // What was asked for, and what each worker may have beside it (workers/process_watch.cc).
      CHECK(seen.most_worker_private_bytes < (200u + 64 + 2 * 96) << 20);
      const auto timing = timing_of(batch.out(), "fault");
      CHECK(timing["jobs"] == 2);  // once more, alone
      CHECK(timing["crashes"] == 0);
    }
}

TEST_CASE("row 11: what a balloon may take is what --worker-memory says", "[faults]") {
  if (kSanitized) return;
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("balloon@decode:500");
    check_batch(batch, way.flags + kSmall, {"fault"}, {.status = "failed", .reason = "out_of_memory"});
    // It fits once it is granted all that a worker may have.
    check_batch(batch, way.flags + Words{"--worker-memory", "800M", "--memory", "2G"}, {"fault"}, {.code = 0});
    batch.add_fault("balloon@decode:100");
    check_batch(batch, way.flags + kSmall, {"fault"}, {.code = 0});
  }
}

TEST_CASE("row 11: a worker that ran out of memory is replaced", "[faults]") {
  if (kSanitized) return;
  for (const Words& flags : {Words{"-j1"}, Words{"-j1", "--threads", "2"}}) {
    Batch batch;
    batch.add_fault("balloon@decode");
    for (int i = 0; i < 4; ++i) batch.add_fault("sleep@decode:60", "later" + std::to_string(i));
    const Observed seen =
        check_batch(batch, flags + kSmall, {"fault"}, {.status = "failed", .reason = "out_of_memory"});
    CHECK(seen.workers.size() >= 2);  // after its second try at the latest
  }
}

TEST_CASE("row 14: without a free descriptor the coordinator waits for one", "[faults]") {
  for (const std::string plan : {"openat:1:EMFILE:p03", "tmpfile:4:EMFILE"})
    for (const Way& way : isolated_ways()) {
      Batch batch;
      batch.add_fault("none@decode");
      batch.clean();
      INFO(plan);
      const IoFault fault(plan);
      check_batch(batch, way.flags, {"fault"}, {.code = 0});
    }
}

TEST_CASE("row 14: a run that may open few files makes the same outputs", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("none@decode");
    batch.clean();
    const rlimit few{36, 36};  // about 30 of them for itself and two workers
    bool lowered = false;
    check_batch(batch, way.flags, {"fault"}, {.code = 0}, [&](Program& program) {
      if (!lowered) lowered = prlimit(program.pid(), RLIMIT_NOFILE, &few, nullptr) == 0;
    });
    CHECK(lowered);
  }
}

// From outside: what the worker has is all that it may have, and the descriptors of its jobs are dropped by the kernel.
TEST_CASE("row 14: a worker without room for a job's descriptors is replaced, and its images are done", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("sleep@decode:300");
    int starved = 0;
    check_batch(batch, way.flags, {"fault"}, {.code = 0}, [&](Program& program) {
      if (starved != 0 || program.workers().size() < 2 || !fs::exists(batch.out() + "/.tessera/journal.sqlite")) return;
      const rlimit none{4, 4};  // the standard ones and the channel
      const int pid = program.workers().front();
      if (prlimit(pid, RLIMIT_NOFILE, &none, nullptr) == 0) starved = pid;
    });
    CHECK(starved != 0);
    std::uint64_t crashes = 0;
    for (const auto& row : timings_of(batch.out())) crashes += row["crashes"].get<std::uint64_t>();
    CHECK(crashes == 0);
  }
}

TEST_CASE("row 14: a worker that is shut in can open no descriptor of its own", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("descriptors@decode");
    check_batch(batch, way.flags, {"fault"}, {.reason = "policy"});
  }
}

TEST_CASE("row 14: a worker that takes all descriptors that it can have costs no other image", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("descriptors@decode");
    for (int i = 0; i < 8; ++i) batch.add_fault("sleep@decode:20", "later" + std::to_string(i));
    check_batch(batch, way.flags + Words{"--sandbox", "off"}, {"fault"}, {.code = 0});
  }
}

TEST_CASE("row 15: a fork bomb makes no process", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("fork@decode");
    // That nothing is left behind is what run_watched checks.
    check_batch(batch, way.flags, {"fault"}, {.status = "quarantined", .reason = "policy"});
  }
}

TEST_CASE("row 15: a thread bomb fails at its worker's limit", "[faults]") {
  if (kSanitized) return;
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("threads@decode");
    const Observed seen = check_batch(batch, way.flags + kSmall, {"fault"}, {.status = "failed"});
    CHECK_THAT(row_of(batch.out(), "fault")["error_message"].get<std::string>(),
               !Catch::Matchers::Contains("met no limit"));
    CHECK(seen.coordinator.private_bytes < 64u << 20);
  }
}

}  // namespace tessera::tests
