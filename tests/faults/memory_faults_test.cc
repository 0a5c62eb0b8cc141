// Rows 11, 14 and 15: what is taken without end: memory, descriptors, threads, processes.
#include <catch2/catch.hpp>

#include "tests/faults/harness.h"

namespace tessera::tests {
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
      const Observed seen =
          check_batch(batch, way.flags + kSmall, {"fault"}, {.status = "failed", .reason = "out_of_memory"});
      CHECK(seen.most_private_bytes < 64u << 20);
    }
}

TEST_CASE("row 11: a balloon of less than the limit is an ordinary picture", "[faults]") {
  if (kSanitized) return;
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("balloon@decode:100");
    check_batch(batch, way.flags + kSmall, {"fault"}, {.code = 0});
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
    CHECK(seen.most_private_bytes < 64u << 20);
  }
}

}  // namespace tessera::tests
