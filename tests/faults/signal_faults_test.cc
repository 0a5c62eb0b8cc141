// Rows 36, 38, 41 and 45: deaths without end, and people who want the run to stop.
#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "tests/faults/harness.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using Catch::Matchers::Contains;

namespace {

// Sends the signal once the first picture is out, and again 300 ms later if `twice`. Returns what was seen; `ended_in`:
// seconds from the last signal to the end.
Observed interrupt(Batch& batch, const Way& way, int signal, bool twice, double& ended_in) {
  using Clock = std::chrono::steady_clock;
  int sent = 0;
  Clock::time_point last{};
  const Observed seen = run_watched(batch.words(way.flags), 20, [&](Program& program) {
    const bool due = sent == 0   ? !tree(batch.out()).empty()
                     : sent == 1 ? twice && Clock::now() > last + std::chrono::milliseconds(300)
                                 : false;
    if (!due) return;
    kill(program.pid(), signal);
    last = Clock::now();
    ++sent;
  });
  ended_in = std::chrono::duration<double>(Clock::now() - last).count();
  CHECK(sent == (twice ? 2 : 1));
  return seen;
}

}  // namespace

TEST_CASE("row 36: deaths over eight different images in a row trip the breaker", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    for (int i = 0; i < 12; ++i) batch.add_fault("segv@decode", fmt::format("fault{:02}", i));
    const Observed seen = run_watched(batch.words(way.flags));
    INFO(seen.result.err);
    CHECK(seen.result.code == 4);
    CHECK_THAT(seen.result.err, Contains("--resume"));
    CHECK(leftovers(batch.out()).empty());
  }
}

TEST_CASE("row 36: with --breaker 0 every crashing image is quarantined", "[faults]") {
  Batch batch;
  std::vector<std::string> crashing;
  for (int i = 0; i < 12; ++i) {
    crashing.push_back(fmt::format("fault{:02}", i));
    batch.add_fault("segv@decode", crashing.back());
  }
  check_batch(batch, {"-j2", "--breaker", "0"}, crashing, {.reason = "crashed"});
}

TEST_CASE("row 36: workers that are all killed, again and again, end the run", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    for (int i = 0; i < 12; ++i) batch.add_fault("sleep@decode:200", fmt::format("fault{:02}", i));
    const Environment no_tracer("ASAN_OPTIONS", "detect_leaks=0");  // a child that would be killed, too
    const Observed seen = run_watched(batch.words(way.flags), 60, [](Program& program) {
      for (const int pid : program.workers()) kill(pid, SIGKILL);
    });
    INFO(way.name << "\n" << seen.result.err);
    CHECK(seen.result.code == 4);
    CHECK_THAT(seen.result.err, Contains("workers in a row died"));
    CHECK(leftovers(batch.out()).empty());
    check_resumed(batch, way.flags);
  }
}

TEST_CASE("row 36: three workers in a row that die before they are ready end the run, at its start", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.clean();
    const FaultAt at("worker.before_ready:1+");
    const Observed seen = run_watched(batch.words(way.flags));
    INFO(way.name << "\n" << seen.result.err);
    CHECK(seen.result.code == 4);
    CHECK_THAT(seen.result.err, Contains("3 workers in a row died before they were ready"));
    CHECK(at.passed() >= 3);
    CHECK(tree(batch.out()).empty());
  }
}

TEST_CASE("row 36: three workers in a row that die before they are ready end the run, in its middle", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("segv_once@decode");
    batch.add_fault("sleep@decode:700", "slow");  // there is still something to do then
    batch.clean();
    {
      const FaultAt at("worker.before_ready:3+");
      const Observed seen = run_watched(batch.words(way.flags));
      INFO(way.name << "\n" << seen.result.err);
      CHECK(seen.result.code == 4);
      CHECK_THAT(seen.result.err, Contains("3 workers in a row died before they were ready"));
      CHECK(at.passed() == 5);
      CHECK(leftovers(batch.out()).empty());
    }
    check_resumed(batch, way.flags);
  }
}

TEST_CASE("row 38: a picture that was interrupted twice in thread mode is no suspect", "[faults]") {
  Batch batch;
  batch.add_fault("sleep@decode:5500");  // longer than the drain
  for (int round = 0; round < 2; ++round) {
    bool sent = false;
    const Observed seen = run_watched(batch.words({"--mode", "threads", "-j2", "--resume"}), 30, [&](Program& program) {
      if (sent || tree(batch.out()).empty()) return;
      sent = kill(program.pid(), SIGINT) == 0;
    });
    CHECK(seen.result.code == 130);
  }
  check_resumed(batch, {"--mode", "threads", "-j2"});
}

TEST_CASE("row 38: one signal drains, and resuming completes the run", "[faults]") {
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}, std::pair{SIGHUP, 129}})
    for (const Way& way : isolated_ways()) {
      Batch batch;
      batch.add_fault("sleep@decode:600");
      double ended_in = 0;
      const Observed seen = interrupt(batch, way, signal, false, ended_in);
      INFO(strsignal(signal) << " in " << way.name << "\n" << seen.result.err);
      CHECK(seen.result.code == code);
      CHECK(tree(batch.out()).contains("fault.png"));  // it was waited for
      CHECK(leftovers(batch.out()).empty());
      if (!kSanitized) CHECK(ended_in < 4);
      check_resumed(batch, way.flags);
    }
}

TEST_CASE("row 38: a signal waits for a picture that hangs no longer than five seconds", "[faults]") {
  Batch batch;
  batch.add_fault("sleep@decode:12000");
  double ended_in = 0;
  const Observed seen = interrupt(batch, processes(), SIGINT, false, ended_in);
  INFO(seen.result.err);
  CHECK(seen.result.code == 130);
  CHECK(ended_in > 4);
  if (!kSanitized) CHECK(ended_in < 9);
  CHECK_FALSE(tree(batch.out()).contains("fault.png"));
  CHECK(leftovers(batch.out()).empty());
}

TEST_CASE("row 38: a second signal ends at once what the first one waits for", "[faults]") {
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}})
    for (const Way& way : isolated_ways()) {
      Batch batch;
      batch.add_fault("sleep@decode:2000");
      double ended_in = 0;
      const Observed seen = interrupt(batch, way, signal, true, ended_in);
      INFO(strsignal(signal) << " in " << way.name << "\n" << seen.result.err);
      CHECK(seen.result.code == code);
      if (!kSanitized) CHECK(ended_in < 1.5);
      CHECK_FALSE(tree(batch.out()).contains("fault.png"));
      CHECK(leftovers(batch.out()).empty());
      check_resumed(batch, way.flags);
    }
}

TEST_CASE("row 38: standard output and error that are closed or full cost words, and no picture", "[faults]") {
  Batch batch;
  batch.clean();
  for (const std::string how : {"| true; exit ${PIPESTATUS[0]}", ">&- 2>&-", ">/dev/full 2>/dev/full",
                                "2>&1 >/dev/null | head -c 1; exit ${PIPESTATUS[0]}"})
    for (const Way& way : isolated_ways()) {
      fs::remove_all(batch.out());
      std::string line = TESSERA_PROGRAM;
      for (const std::string& word : batch.words(way.flags + Words{"-v"})) line += fmt::format(" '{}'", word);
      write_file(batch / "run.sh", line + " " + how);
      INFO(how << " in " << way.name);
      CHECK(std::system(fmt::format("bash '{}' >/dev/null 2>&1", batch / "run.sh").c_str()) == 0);
      CHECK((tree(batch.out()) == batch.clean()));
      CHECK(rows_of(batch.out()).size() == kOrdinary);
    }
}

TEST_CASE("row 41: a flood on standard error is capped", "[faults]") {
  const std::uint64_t bytes = number_from("TESSERA_FAULT_FLOOD", 100'000'000);
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault(fmt::format("stderr@decode:{}", bytes));
    const Observed seen = check_batch(batch, way.flags, {"fault"}, {.code = 0});
    CHECK(seen.result.err.size() < 100'000);
    CHECK(seen.coordinator.private_bytes < (kSanitized ? 400u : 64u) << 20);
    check_flat(seen);
  }
}

TEST_CASE("row 45: crashes without end leave memory and descriptors as they were", "[faults]") {
  const std::uint64_t crashes = number_from("TESSERA_FAULT_CRASHES", 300);
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.clean();
    for (std::uint64_t i = 0; i < crashes; ++i)
      write_file(fmt::format("{}/fault{:05}.png", batch.in(), i), "FAULT segv@decode\n");
    const Observed seen =
        run_watched(batch.words(way.flags + Words{"--breaker", "0"}), 60 + static_cast<double>(crashes) / 10);
    INFO(way.name << "\n" << crashes << " crashes in " << seen.seconds << " s");
    CHECK(seen.result.code == 1);
    check_invariant(batch, seen, {"fault"});
    check_flat(seen);
    std::uint64_t quarantined = 0;
    for (const auto& row : rows_of(batch.out())) quarantined += row["status"] == "quarantined";
    CHECK(quarantined == crashes);
  }
}

TEST_CASE("row 45: failures without end leave memory and descriptors as they were", "[faults]") {
  const std::uint64_t failures = number_from("TESSERA_FAULT_CRASHES", 300) * 5;
  for (const char* fault : {"FAULT throw@decode\n", "FAULT none@decode 200x200\n"}) {
    Batch batch;
    batch.clean();
    for (std::uint64_t i = 0; i < failures; ++i) write_file(fmt::format("{}/fault{:05}.png", batch.in(), i), fault);
    const Observed seen = run_watched(batch.words(processes().flags), 60 + static_cast<double>(failures) / 10);
    INFO(fault);
    check_invariant(batch, seen, {"fault"});
    check_flat(seen);
  }
}

}  // namespace tessera::tests
