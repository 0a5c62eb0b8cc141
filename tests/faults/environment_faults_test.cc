// Rows 16, 17, 31 and 43: a machine that refuses, an older kernel, and another run in the same place.
#include <catch2/catch.hpp>
#include <csignal>

#include "tests/faults/harness.h"

namespace tessera::tests {
using Catch::Matchers::Contains;

TEST_CASE("row 16: where a fork is refused for a while, the run goes on with fewer workers", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("segv@decode");
    batch.clean();
    for (const std::string plan : {"fork:1:EAGAIN", "fork:2:EAGAIN", "fork:3:EAGAIN", "fork:2:ENOMEM"}) {
      INFO(plan);
      const IoFault fault(plan);
      check_batch(batch, way.flags, {"fault"}, {.reason = "crashed"});
    }
  }
}

TEST_CASE("row 17: without memory for the arena the run does not start", "[faults]") {
  Batch batch;
  for (const std::string plan : {"memfd_create:2:ENOMEM", "ftruncate:1:ENOMEM"}) {
    const IoFault fault(plan);
    const Observed seen = run_watched(batch.words({"-j2"}));
    INFO(plan << "\n" << seen.result.err);
    CHECK(seen.result.code == 4);
    CHECK_THAT(seen.result.err, Contains("Cannot allocate memory"));
    CHECK(tree(batch.out()).empty());
  }
}

TEST_CASE("row 31: a second run in the same output folder says that the first is there", "[faults]") {
  Batch batch;
  batch.add_fault("stop@decode");
  batch.clean();
  bool tried = false;
  check_batch(batch, {"-j2"}, {"fault"}, {.code = 0}, [&](Program& program) {
    const auto pid = stopped_worker(program);
    if (!pid) return;
    if (!tried) {
      const ProgramResult second = run_program(batch.words({"-j2", "--on-exist", "skip"}));
      CHECK(second.code == 4);
      CHECK_THAT(second.err, Contains("another run"));
      tried = true;
    }
    kill(*pid, SIGCONT);
  });
  CHECK(tried);
}

TEST_CASE("row 43: on a file system without O_TMPFILE outputs have a temporary name first", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("none@decode");
    batch.clean();
    const IoFault fault("tmpfile:1+:EOPNOTSUPP");
    check_batch(batch, way.flags, {"fault"}, {.code = 0});
  }
}

TEST_CASE("row 43: without pidfds the run does not start, and says why", "[faults]") {
  Batch batch;
  const IoFault fault("pidfd_open:1+:ENOSYS");
  const Observed seen = run_watched(batch.words({"-j2"}));
  INFO(seen.result.err);
  CHECK(seen.result.code == 4);
  CHECK_THAT(seen.result.err, Contains("pidfd"));
}

}  // namespace tessera::tests
