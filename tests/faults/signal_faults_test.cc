// Rows 36, 38, 41 and 45: deaths without end, and people who want the run to stop.
#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "tests/faults/harness.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using Catch::Matchers::Contains;

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t usual) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : usual;
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

TEST_CASE("row 36: workers that are all killed at once, again and again, end the run", "[faults]") {
  Batch batch;
  for (int i = 0; i < 12; ++i) batch.add_fault("sleep@decode:200", fmt::format("fault{:02}", i));
  const Environment no_tracer("ASAN_OPTIONS", "detect_leaks=0");  // a child that would be killed, too
  const Observed seen = run_watched(batch.words({"-j2"}), 60, [](Program& program) {
    for (const int pid : program.workers()) kill(pid, SIGKILL);
  });
  INFO(seen.result.err);
  CHECK(seen.result.code == 4);
}

TEST_CASE("row 38: one interrupt drains, and resuming completes the run", "[faults]") {
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    Batch batch;
    batch.add_fault("sleep@decode:600");
    bool sent = false;
    const Observed seen = run_watched(batch.words({"-j2"}), 20, [&, number = signal](Program& program) {
      if (sent || tree(batch.out()).empty()) return;
      sent = kill(program.pid(), number) == 0;
    });
    INFO(seen.result.err);
    CHECK(sent);
    CHECK(seen.result.code == code);
    CHECK(leftovers(batch.out()).empty());
    check_resumed(batch, {"-j2"});
  }
}

TEST_CASE("row 38: a second interrupt ends at once what the first one waits for", "[faults]") {
  Batch batch;
  batch.add_fault("sleep@decode:4000");
  std::chrono::steady_clock::time_point first{};
  bool second = false;
  const Observed seen = run_watched(batch.words({"-j2"}), 20, [&](Program& program) {
    const auto now = std::chrono::steady_clock::now();
    if (first == std::chrono::steady_clock::time_point{}) {
      if (tree(batch.out()).empty()) return;
      kill(program.pid(), SIGINT);
      first = now;
    } else if (!second && now > first + std::chrono::milliseconds(300)) {
      second = kill(program.pid(), SIGINT) == 0;
    }
  });
  const double after = std::chrono::duration<double>(std::chrono::steady_clock::now() - first).count();
  INFO(seen.result.err);
  CHECK(second);
  CHECK(seen.result.code == 130);
  if (!kSanitized) CHECK(after < 3);
  CHECK(leftovers(batch.out()).empty());
  check_resumed(batch, {"-j2"});
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

TEST_CASE("row 38: a hang-up stops the run in order", "[faults]") {
  Batch batch;
  batch.add_fault("sleep@decode:600");
  bool sent = false;
  const Observed seen = run_watched(batch.words({"-j2"}), 20, [&](Program& program) {
    if (sent || tree(batch.out()).empty()) return;
    sent = kill(program.pid(), SIGHUP) == 0;
  });
  INFO(seen.result.err);
  CHECK(sent);
  CHECK(seen.result.code != 0);
  CHECK(leftovers(batch.out()).empty());
  check_resumed(batch, {"-j2"});
}

TEST_CASE("row 38: a standard output that is closed loses the summary and no picture", "[faults]") {
  Batch batch;
  batch.clean();
  for (const std::string how : {"| true", ">&-"}) {
    fs::remove_all(batch.out());
    const std::string command = fmt::format("'{}' run '{}' -o '{}' --json -v --resize 40x40 -s 'sharpen amount=0.5' {}",
                                            TESSERA_PROGRAM, batch.in(), batch.out(), how);
    INFO(command);
    CHECK(std::system(command.c_str()) == 0);
    // With a pipe the status is that of `true`; what counts is the tree, and that the run came to its end.
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
    CHECK(seen.most_private_bytes < (kSanitized ? 400u : 64u) << 20);
  }
}

TEST_CASE("row 45: crashes without end leave memory and descriptors as they were", "[faults]") {
  const std::uint64_t crashes = number_from("TESSERA_FAULT_CRASHES", 300);
  Batch batch;
  batch.clean();
  for (std::uint64_t i = 0; i < crashes; ++i)
    write_file(fmt::format("{}/fault{:05}.png", batch.in(), i), "FAULT segv@decode\n");
  const Observed seen = run_watched(batch.words({"-j2", "--breaker", "0"}), 60 + static_cast<double>(crashes) / 10);
  CHECK(seen.result.code == 1);
  check_invariant(batch, seen, {"fault"});
  CHECK(seen.late_descriptors <= seen.most_descriptors);
  CHECK(seen.most_descriptors < 100);
  if (!kSanitized) CHECK(seen.most_private_bytes < seen.early_private_bytes + (16u << 20));
}

}  // namespace tessera::tests
