// Rows 1-6: workers that die, and exceptions where they hurt.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/faults/harness.h"

namespace tessera::tests {
namespace {

void check_op(const std::string& op, const std::vector<std::string>& steps, const std::vector<Way>& ways,
              const Expected& expected) {
  for (const std::string& step : steps) {
    Batch batch;
    batch.add_fault(op + "@" + step);
    for (const Way& way : ways) {
      INFO(op << "@" << step << " in " << way.name);
      check_batch(batch, way.flags, {"fault"}, expected);
    }
  }
}

// In a band of an image that is spread, and in the whole job that it is tried again in.
void check_stage(const std::string& op, const Expected& expected) {
  for (const Way& way : isolated_ways_and_spread()) {
    Batch batch;
    batch.job = Words{"-s", fmt::format("fault {} width=333 y=100", op)} + batch.job;
    write_picture(batch.in() + "/faulty.png", some_picture(333, 222, 99), "png");
    INFO(op << " in a stage, " << way.name);
    check_batch(batch, way.flags, {"faulty"}, expected);
  }
}

}  // namespace

TEST_CASE("row 00: a file that orders no fault is an ordinary picture, in every mode", "[faults]") {
  Batch batch;
  batch.add_fault("none@decode 64x48");
  std::string first;
  for (const Way& way : isolated_ways_and_spread()) {
    check_batch(batch, way.flags, {"fault"}, {.code = 0});
    const std::string made = tree(batch.out()).at("fault.png");
    if (first.empty()) first = made;
    CHECK((made == first));
    CHECK(read_picture(batch.out() + "/fault.png").info().width == 40);
  }
}

TEST_CASE("row 01: a crash at any step is tried once more, alone, and quarantined", "[faults]") {
  check_op("segv", {"probe", "decode", "stage", "encode", "finish"}, isolated_ways(),
           {.reason = "crashed", .words = {"signal 11"}});
}

TEST_CASE("row 01: a crash in a band of an image that is spread is quarantined as well", "[faults]") {
  check_stage("segv", {.reason = "crashed", .words = {"signal 11"}});
}

TEST_CASE("row 01: a crash that does not happen again costs nothing", "[faults]") {
  Batch batch;
  batch.add_fault("segv_once@decode");
  for (const Way& way : isolated_ways_and_spread()) {
    INFO(way.name);
    check_batch(batch, way.flags, {"fault"}, {.code = 0});
    std::uint64_t crashes = 0;
    for (const auto& row : timings_of(batch.out()))
      if (row["source"].get<std::string>().find("fault") != std::string::npos)
        crashes += row["crashes"].get<std::uint64_t>();
    CHECK(crashes == 1);
  }
}

TEST_CASE("row 02: abort, terminate and an exception that leaves noexcept end in signal 6", "[faults]") {
  for (const char* op : {"abort", "terminate", "noexcept_throw"})
    check_op(op, {"decode"}, isolated_ways(), {.reason = "crashed", .words = {"signal 6"}});
  check_stage("abort", {.reason = "crashed", .words = {"signal 6"}});
}

TEST_CASE("row 02: memory that is freed twice ends the worker alone", "[faults]") {
  // AddressSanitizer reports it and exits with 1 before the allocator could abort.
  check_op("double_free", {"decode"}, isolated_ways(),
           {.reason = "crashed", .words = {kSanitized ? "exit code" : "signal 6"}});
}

TEST_CASE("row 03: an exception fails its image with its text", "[faults]") {
  check_op("throw", {"probe", "decode", "stage", "encode", "finish"}, isolated_ways(),
           {.status = "failed", .reason = "exception", .words = {"a fault was ordered"}});
  check_stage("throw", {.status = "failed", .reason = "exception", .words = {"a fault was ordered"}});
}

TEST_CASE("row 03: an exception in a task of oneTBB fails its image with its text", "[faults]") {
  // A worker with one slot may start no threads at all, and oneTBB says so.
  check_op("throw_task", {"decode"}, {isolated_ways().front()},
           {.status = "failed", .reason = "exception", .words = {"Operation not permitted"}});
  check_op("throw_task", {"decode"}, {isolated_ways().back()},
           {.status = "failed", .reason = "exception", .words = {"a fault was ordered"}});
}

TEST_CASE("row 04: a stack overflow is quarantined", "[faults]") {
  check_op("stack", {"decode"}, isolated_ways(), {.reason = "crashed", .words = {"signal 11"}});
  check_stage("stack", {.reason = "crashed", .words = {"signal 11"}});
}

TEST_CASE("row 05: exit in mid job is a crash and never success", "[faults]") {
  check_op("exit0", {"decode", "finish"}, isolated_ways(), {.reason = "crashed", .words = {"exit code 0"}});
  check_op("exit1", {"decode"}, isolated_ways(), {.reason = "crashed", .words = {"exit code 1"}});
}

TEST_CASE("row 06: a system call that no library makes ends the worker, and the image is quarantined", "[faults]") {
  check_op("ptrace", {"decode"}, isolated_ways(), {.reason = "policy"});
}

TEST_CASE("row 06: sockets and programs are refused or end the worker, and are not tried again", "[faults]") {
  for (const char* op : {"syscall", "exec"}) {
    check_op(op, {"decode"}, isolated_ways(), {.reason = "policy"});
    Batch batch;
    batch.add_fault(std::string(op) + "@decode");
    check_batch(batch, {"-j2"}, {"fault"}, {.reason = "policy"});
    for (const auto& row : timings_of(batch.out()))
      if (row["status"] == "quarantined") CHECK(row["jobs"] == 1);
  }
}

TEST_CASE("every row of an input that failed has a reason", "[faults]") {
  Batch batch;
  batch.add_fault("segv@decode");
  check_batch(batch, {"-j2"}, {"fault"}, {.reason = "crashed"});
  CHECK(row_of(batch.out(), "fault").contains("reason"));
}

}  // namespace tessera::tests
