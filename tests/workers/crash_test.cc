// What becomes of jobs whose worker dies, and of everybody else.
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <map>
#include <thread>

#include "tests/workers/support.h"
#include "workers/executor.h"
#include "workers/status_page.h"

namespace tessera::workers {
namespace {

using namespace std::chrono_literals;
using testing::answer;
using testing::make_job;
using testing::NothingLeft;
using testing::Op;
using testing::Pipe;

int slots_of(const Executor& executor) {
  int slots = 0;
  for (const Executor::Worker& worker : executor.workers()) slots += worker.slots;
  return slots;
}

TEST_CASE("a job that kills its worker is answered with how it died, and the worker is replaced", "[workers]") {
  const NothingLeft check;
  struct Way {
    Op op;
    std::uint64_t argument;
    int signal, exit_code;
  };
  const Way way = GENERATE(Way{Op::crash, 77, SIGSEGV, 0}, Way{Op::abort, 0, SIGABRT, 0}, Way{Op::exit, 0, 0, 0},
                           Way{Op::exit, 3, 0, 3});
  for (const auto& mode : testing::isolated_modes()) {
    INFO(mode.name << " op " << static_cast<int>(way.op) << " argument " << way.argument);
    Workforce force = testing::make_test_workforce(mode.options);
    Executor& executor = *force.executor;
    const auto pid = answer(testing::run_one(executor, 2, make_job(1, {Op::pid, 0})));
    std::vector<Event> events;
    executor.start(2, make_job(2, {way.op, way.argument}), {});
    const Completion completion = testing::wait_for(executor, 1, events).front();
    CHECK(completion.id == 2);
    CHECK(completion.outcome == Outcome::crashed);
    CHECK(completion.signal == way.signal);
    CHECK(completion.reason == way.exit_code);
    CHECK(completion.suspects == 1);
    CHECK(testing::text_of(completion).empty());  // nobody killed it
    CHECK(completion.breadcrumb == (way.op == Op::crash ? way.argument : 0));
    REQUIRE(events.size() == 2);
    CHECK(std::get<WindowLost>(events[0]).window == 2);
    CHECK(force.arena->generation(2) == 2);
    CHECK(force.arena->generation(1) == 1);
    REQUIRE(testing::wait_for_idle(executor, slots_of(executor), events));
    CHECK(answer(testing::run_one(executor, 2, make_job(3, {Op::pid, 0}))) != pid);
    CHECK(executor.traffic().deaths == 1);
    CHECK(executor.traffic().forks == 3);
  }
}

TEST_CASE("a worker that is killed answers with the last step of each job it held, and others go on", "[workers]") {
  const NothingLeft check;
  Workforce force = testing::make_test_workforce(testing::processes(2, 3));
  Executor& executor = *force.executor;
  const auto pid = static_cast<pid_t>(answer(testing::run_one(executor, 1, make_job(1, {Op::pid, 0}))));
  const Pipe pipe = Pipe::make();
  std::vector<Event> events;
  for (std::uint64_t id = 11; id <= 13; ++id) executor.start(1, make_job(id, {Op::wait_for_ever, id * 10}), {});
  executor.start(2, make_job(21, {Op::wait_fd, 5}), std::array{pipe.read.get()});
  while (events.size() < 4) executor.wait(events, Clock::now() + 20s);  // each has noted its step
  events.clear();
  REQUIRE(::kill(pid, SIGKILL) == 0);
  std::map<std::uint64_t, Completion> answers;
  for (const Completion& c : testing::wait_for(executor, 3, events)) answers[c.id] = c;
  for (std::uint64_t id = 11; id <= 13; ++id) {
    CHECK(answers[id].outcome == Outcome::crashed);
    CHECK(answers[id].signal == SIGKILL);
    CHECK(answers[id].suspects == 3);
    CHECK(answers[id].breadcrumb == id * 10);
  }
  CHECK(testing::count_lost(events, 1) == 1);
  CHECK(testing::count_lost(events, 2) == 0);
  REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  CHECK(testing::wait_for(executor, 1, events).front().id == 21);
  REQUIRE(testing::wait_for_idle(executor, 6, events));
  CHECK(testing::run_one(executor, 1, make_job(31, {Op::nothing, 0})).outcome == Outcome::done);
}

TEST_CASE("the death of an idle worker blames nobody", "[workers]") {
  const NothingLeft check;
  Workforce force = testing::make_test_workforce(testing::processes(2));
  Executor& executor = *force.executor;
  const auto pid = static_cast<pid_t>(answer(testing::run_one(executor, 1, make_job(1, {Op::pid, 0}))));
  REQUIRE(::kill(pid, SIGKILL) == 0);
  std::vector<Event> events;
  executor.wait(events, Clock::now() + 20s);
  REQUIRE(events.size() == 1);
  CHECK(std::get<WindowLost>(events[0]).window == 1);
  REQUIRE(testing::wait_for_idle(executor, 2, events));
  CHECK(events.size() == 1);
  CHECK(testing::run_one(executor, 1, make_job(2, {Op::nothing, 0})).outcome == Outcome::done);
}

TEST_CASE("a job started on a worker that is dead already still gets its one answer", "[workers]") {
  const NothingLeft check;
  Workforce force = testing::make_test_workforce(testing::processes(1));
  Executor& executor = *force.executor;
  const auto pid = static_cast<pid_t>(answer(testing::run_one(executor, 1, make_job(1, {Op::pid, 0}))));
  REQUIRE(::kill(pid, SIGKILL) == 0);
  REQUIRE(testing::disappears(pid));
  executor.start(1, make_job(2, {Op::nothing, 0}), {});
  std::vector<Event> events;
  const Completion completion = testing::wait_for(executor, 1, events).front();
  CHECK(completion.outcome == Outcome::crashed);
  CHECK(completion.signal == SIGKILL);
  CHECK(testing::count_lost(events, 1) == 1);
}

TEST_CASE("what a worker answered before it died counts", "[workers]") {
  const NothingLeft check;
  Workforce force = testing::make_test_workforce(testing::processes(1, 2));
  Executor& executor = *force.executor;
  const auto pid = static_cast<pid_t>(answer(testing::run_one(executor, 1, make_job(1, {Op::pid, 0}))));
  const Pipe pipe = Pipe::make();
  executor.start(1, make_job(2, {Op::wait_for_ever, 8}), {});
  executor.start(1, make_job(3, {Op::wait_fd, 0}), std::array{pipe.read.get()});
  std::vector<Event> events;
  while (events.size() < 2) executor.wait(events, Clock::now() + 20s);
  REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  // The answer is in the socket once ready_fd has seen it; nobody reads it before the death.
  std::vector<LastStep> steps;
  do steps = read_status_page(*force.windows, 1, 2);
  while (steps[0].job == 3 || steps[1].job == 3);
  std::this_thread::sleep_for(50ms);
  REQUIRE(::kill(pid, SIGKILL) == 0);
  REQUIRE(testing::disappears(pid));
  std::map<std::uint64_t, Outcome> outcomes;
  for (const Completion& c : testing::wait_for(executor, 2, events)) outcomes[c.id] = c.outcome;
  CHECK(outcomes == std::map<std::uint64_t, Outcome>{{2, Outcome::crashed}, {3, Outcome::done}});
}

TEST_CASE("blocks of a dead worker are refused everywhere, and a running reader's answer is void", "[workers]") {
  const NothingLeft check;
  Workforce force = testing::make_test_workforce(testing::processes(2));
  Executor& executor = *force.executor;
  const Lease lease = testing::lease_one(*force.arena, 1, 8192);
  testing::run_one(executor, 1, make_job(1, {Op::fill, 1}, lease.block()));
  const Pipe pipe = Pipe::make();
  executor.start(2, make_job(2, {Op::sum_then_wait, 0}, lease.block()), std::array{pipe.read.get()});
  std::vector<Event> events;
  executor.wait(events, Clock::now() + 20s);
  REQUIRE(std::holds_alternative<Progress>(events.at(0)));
  executor.start(1, make_job(3, {Op::crash, 0}), {});
  CHECK(testing::wait_for(executor, 1, events).front().id == 3);
  CHECK(force.windows->resident_bytes(1) == 0);
  REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  const Completion reader = testing::wait_for(executor, 1, events).front();
  CHECK(reader.outcome == Outcome::failed);
  CHECK(reader.reason == kBlockLost);
  REQUIRE(testing::wait_for_idle(executor, 2, events));
  for (const std::uint32_t window : {1U, 2U}) {
    const Completion stale = testing::run_one(executor, window, make_job(4 + window, {Op::sum, 0}, lease.block()));
    CHECK(stale.reason == kBlockLost);
  }
  const Lease fresh = testing::lease_one(*force.arena, 1, 8192);
  CHECK(fresh.block().offset == lease.block().offset);
  CHECK(answer(testing::run_one(executor, 2, make_job(8, {Op::sum, 0}, fresh.block()))) == 0);  // nothing shows through
}

TEST_CASE("thousands of crashes leave nothing behind", "[workers]") {
  const NothingLeft check;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::uint64_t kCrashes = 200;  // a fork takes ten times as long, and freed memory is kept back
  constexpr std::uint64_t kMayGrow = 64 << 20;
#else
  constexpr std::uint64_t kCrashes = 3000, kMayGrow = 2 << 20;
#endif
  Workforce force = testing::make_test_workforce(testing::processes(2));
  const auto held = testing::Holdings::now();
  std::uint64_t memory = 0;
  for (std::uint64_t id = 1; id <= kCrashes; ++id) {
    if (id == 100) memory = testing::own_memory();
    const std::uint32_t window = 1 + id % 2;
    std::vector<Event> events;
    REQUIRE(testing::wait_for_idle(*force.executor, 2, events));
    const Lease lease = testing::lease_one(*force.arena, window, 5000);
    CHECK(testing::run_one(*force.executor, window, make_job(id, {Op::crash, id}, lease.block())).breadcrumb == id);
  }
  std::vector<Event> events;
  REQUIRE(testing::wait_for_idle(*force.executor, 2, events));
  CHECK(testing::Holdings::now() == held);
  CHECK(testing::own_memory() < memory + kMayGrow);
  CHECK(force.arena->usage().leased == 0);
  CHECK(force.arena->usage().warm == 0);
  CHECK(force.executor->traffic().deaths == kCrashes);
}

}  // namespace
}  // namespace tessera::workers
