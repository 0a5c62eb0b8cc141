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

TEST_CASE("row 16: where no second worker can be had, one does all the work", "[faults]") {
  Batch batch;
  batch.add_fault("none@decode");
  batch.clean();
  for (const Way& way : isolated_ways()) {
    const IoFault fault("fork:2+:EAGAIN");
    const Observed seen = check_batch(batch, way.flags, {"fault"}, {.code = 0});
    CHECK(seen.workers.size() == 1);
  }
}

TEST_CASE("row 16: where no worker at all can be had, the run gives up after some seconds, and says why", "[faults]") {
  Batch batch;
  const IoFault fault("fork:1+:EAGAIN");
  const Observed seen = run_watched(batch.words(processes().flags), 30);
  INFO(seen.result.err);
  CHECK(seen.result.code == 4);
  CHECK_THAT(seen.result.err, Contains("Resource temporarily unavailable"));
  CHECK(seen.seconds > 2);
  CHECK(tree(batch.out()).empty());
}

TEST_CASE("row 17: without memory for the arena the run does not start", "[faults]") {
  Batch batch;
  for (const Way& way : isolated_ways())
    for (const std::string plan : {"memfd_create:1:ENOMEM", "memfd_create:2:ENOMEM", "memfd_create:3:ENOMEM",
                                   "ftruncate:1:ENOMEM", "ftruncate:2:ENOMEM"}) {
      const IoFault fault(plan);
      const Observed seen = run_watched(batch.words(way.flags));
      INFO(plan << " in " << way.name << "\n" << seen.result.err);
      CHECK(seen.result.code == 4);
      CHECK_THAT(seen.result.err, Contains("Cannot allocate memory"));
      CHECK(seen.workers.empty());
      CHECK(tree(batch.out()).empty());
      CHECK(leftovers(batch.out()).empty());
    }
}

TEST_CASE("row 31: a second run in the same output folder says that the first is there, and changes nothing",
          "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("stop@decode");
    batch.clean();
    int tried = 0;
    check_batch(batch, way.flags, {"fault"}, {.code = 0}, [&](Program& program) {
      const auto pid = stopped_worker(program);
      if (!pid) return;
      const auto before = tree(batch.out());
      for (const Words& flags :
           {Words{"--on-exist", "skip"}, Words{"--resume"}, Words{"--mode", "serial", "--resume"}}) {
        const ProgramResult second = run_program(batch.words(flags));
        INFO(second.err);
        CHECK(second.code == 4);
        CHECK_THAT(second.err, Contains("another run"));
        ++tried;
      }
      const auto after = tree(batch.out());  // what the first one did meanwhile is its own
      for (const auto& [name, bytes] : before) CHECK((after.at(name) == bytes));
      kill(*pid, SIGCONT);
    });
    CHECK(tried == 3);
  }
}

TEST_CASE("row 31: a run that was killed locks nobody out", "[faults]") {
  Batch batch;
  batch.add_fault("stop@decode");
  batch.clean();
  bool killed = false;
  const Observed seen = run_watched(batch.words({"-j2"}), 60, [&](Program& program) {
    if (killed || !stopped_worker(program)) return;
    killed = kill(program.pid(), SIGKILL) == 0;  // its stopped worker would hold whatever it had inherited
  });
  CHECK(killed);
  CHECK(seen.result.code == 128 + SIGKILL);
  batch.add_fault("none@decode");
  check_resumed(batch, {"-j2"});
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

TEST_CASE("row 43: where the kernel lacks a layer of the sandbox, auto says so and makes the same bytes", "[faults]") {
  struct Layer {
    const char *name, *says;
  };
  for (const auto& [name, says] : {Layer{"landlock", "Landlock is missing"}, Layer{"seccomp", "seccomp is missing"},
                                   Layer{"landlock,seccomp", "seccomp is missing"}})
    for (const Way& way : isolated_ways()) {
      Batch batch;
      batch.add_fault("segv@decode");
      batch.clean();
      INFO(name << " in " << way.name);
      const Environment lacks("TESSERA_FAULT_LACKS", name);
      const Observed seen =
          check_batch(batch, way.flags + Words{"--sandbox", "auto"}, {"fault"}, {.reason = "crashed"});
      CHECK_THAT(seen.result.err, Contains(says));
    }
}

TEST_CASE("row 43: where the kernel lacks a layer of the sandbox that is required, the run does not start",
          "[faults]") {
  for (const std::string name : {"landlock", "seccomp"})
    for (const Way& way : isolated_ways()) {
      Batch batch;
      const Environment lacks("TESSERA_FAULT_LACKS", name);
      const Observed seen = run_watched(batch.words(way.flags + Words{"--sandbox", "require"}));
      INFO(name << " in " << way.name << "\n" << seen.result.err);
      CHECK(seen.result.code == 4);
      CHECK_THAT(seen.result.err, Contains(name == "landlock" ? "Landlock is missing" : "seccomp is missing"));
      CHECK(tree(batch.out()).empty());
    }
}

TEST_CASE("row 43: without unnamed files, outputs have a name in .tessera/tmp until they are published", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("stop@decode");
    batch.clean();
    const Environment lacks("TESSERA_FAULT_LACKS", "tmpfile");
    bool named = false;
    check_batch(batch, way.flags + Words{"--sandbox", "require"}, {"fault"}, {.code = 0}, [&](Program& program) {
      const auto pid = stopped_worker(program);
      if (!pid) return;
      named = !leftovers(batch.out()).empty();
      kill(*pid, SIGCONT);
    });
    CHECK(named);
  }
}

TEST_CASE("row 43: a run without unnamed files that is killed leaves nothing once it is resumed", "[faults]") {
  Batch batch;
  batch.clean();
  const Environment lacks("TESSERA_FAULT_LACKS", "tmpfile");
  {
    const FaultAt at("dispatch.started:7");
    CHECK(run_watched(batch.words({"-j2"})).result.code == 128 + SIGKILL);
    CHECK_FALSE(leftovers(batch.out()).empty());
  }
  check_resumed(batch, {"-j2"});
}

TEST_CASE("row 43: without pidfds the run does not start, and says why", "[faults]") {
  Batch batch;
  {
    const IoFault fault("pidfd_open:1+:ENOSYS");
    const Observed seen = run_watched(batch.words({"-j2"}));
    INFO(seen.result.err);
    CHECK(seen.result.code == 4);
    CHECK_THAT(seen.result.err, Contains("pidfd"));
  }
  const Environment lacks("TESSERA_FAULT_LACKS", "pidfd");
  const Observed seen = run_watched(batch.words({"-j2"}));
  INFO(seen.result.err);
  CHECK(seen.result.code == 4);
  CHECK(seen.workers.empty());
}

}  // namespace tessera::tests
