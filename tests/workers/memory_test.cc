// What a worker may hold: private memory, which the kernel refuses beyond the limit, and pages of its window.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>
#include <thread>

#include "tests/workers/support.h"

namespace tessera::workers {
namespace {

using namespace std::chrono_literals;
using testing::answer;
using testing::make_job;
using testing::NothingLeft;
using testing::Op;

constexpr std::uint64_t kMiB = 1 << 20;

// AddressSanitizer and ThreadSanitizer keep their shadow memory as data, so workers have no limit there.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("memory beyond the limit is an answer, and the worker goes on", "[workers]") {
  const NothingLeft check;
  for (const auto& mode : testing::isolated_modes()) {
    for (const Op op : {Op::allocate, Op::allocate_small}) {
      INFO(mode.name << " op " << static_cast<int>(op));
      Workforce force = testing::make_test_workforce(mode.options);
      Executor& executor = *force.executor;
      const auto pid = answer(testing::run_one(executor, 1, make_job(1, {Op::pid, 0})));
      for (std::uint64_t id = 2; id <= 5; ++id) {
        const Completion balloon = testing::run_one(executor, 1, make_job(id, {op, 1024 * kMiB}));
        CHECK(balloon.outcome == Outcome::failed);
        CHECK(balloon.reason == kOutOfMemory);
        // A thread's small pieces may stay with that thread's heap, so of a slot beside it less is asked.
        const bool in_thread = op == Op::allocate_small && mode.options.threads > 1;
        const Completion next = testing::run_one(executor, 1, make_job(10 + id, {op, in_thread ? 10'000 : 48 * kMiB}));
        CHECK(next.outcome == Outcome::done);
      }
      CHECK(testing::run_one(executor, 1, make_job(20, {Op::allocate, 8192 * kMiB})).reason == kOutOfMemory);
      CHECK(answer(testing::run_one(executor, 1, make_job(30, {Op::pid, 0}))) == pid);
      CHECK(executor.traffic().deaths == 0);
    }
  }
}

TEST_CASE("a job that was granted memory may have it, and the next one may not", "[workers]") {
  const NothingLeft check;
  for (const auto& mode : testing::isolated_modes()) {
    INFO(mode.name);
    ExecutorOptions options = mode.options;
    options.worker_bytes = 100 * kMiB;
    Workforce force = testing::make_test_workforce(options);
    Executor& executor = *force.executor;
    const Limits granted{0, 0, 600 * kMiB};
    CHECK(testing::run_one(executor, 1, make_job(1, {Op::allocate, 100 * kMiB})).outcome == Outcome::done);
    CHECK(testing::run_one(executor, 1, make_job(2, {Op::allocate, 600 * kMiB})).reason == kOutOfMemory);
    CHECK(testing::run_one(executor, 1, make_job(3, {Op::allocate, 600 * kMiB}), {}, granted).outcome == Outcome::done);
    CHECK(testing::run_one(executor, 1, make_job(4, {Op::allocate, 600 * kMiB})).reason == kOutOfMemory);
    CHECK(testing::run_one(executor, 2, make_job(5, {Op::allocate, 600 * kMiB})).reason == kOutOfMemory);
  }
}

TEST_CASE("shared windows do not count as private memory", "[workers]") {
  ExecutorOptions options = testing::processes(1);
  options.worker_bytes = 1 * kMiB;
  Workforce force = testing::make_test_workforce(options, 512 * kMiB);
  const Lease lease = testing::lease_one(*force.arena, 1, 400 * kMiB);
  CHECK(testing::run_one(*force.executor, 1, make_job(1, {Op::fill, 1}, lease.block())).outcome == Outcome::done);
  CHECK(testing::run_one(*force.executor, 1, make_job(2, {Op::allocate, 400 * kMiB})).reason == kOutOfMemory);
}
#endif

TEST_CASE("a worker that has grown is seen to have grown, and a fresh one has not", "[workers]") {
  const NothingLeft check;
  for (const auto& mode : testing::all_modes()) {
    INFO(mode.name);
    ExecutorOptions options = mode.options;
    options.worker_bytes = 300 * kMiB;
    const bool isolated = options.mode == ExecutorOptions::Mode::processes;
    Workforce force = testing::make_test_workforce(options);
    Executor& executor = *force.executor;
    CHECK(executor.grown_bytes(1) < 8 * kMiB);
    if (!isolated) continue;
    testing::run_one(executor, 1, make_job(1, {Op::keep, 100 * kMiB}));
    CHECK(executor.workers()[0].jobs == 1);
    CHECK(executor.grown_bytes(1) >= 99 * kMiB);
#ifndef __SANITIZE_THREAD__  // its shadow of what was touched is four times as large
    CHECK(executor.grown_bytes(1) < 150 * kMiB);
#endif
    CHECK(executor.grown_bytes(2) < 8 * kMiB);
    executor.retire(1);
    std::vector<Event> events;
    REQUIRE(testing::wait_for_idle(executor, 2 * mode.options.threads, events));
    CHECK(executor.grown_bytes(1) < 8 * kMiB);
    CHECK(executor.workers()[0].jobs == 0);
  }
}

TEST_CASE("a worker that fills its window beyond what was leased is ended", "[workers]") {
  const NothingLeft check;
  const bool within_the_slack = GENERATE(true, false);
  for (const auto& mode : testing::isolated_modes()) {
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options, 256 * kMiB);
    const Lease lease = testing::lease_one(*force.arena, 1, within_the_slack ? 100 * kMiB : 4096);
    std::vector<Event> events;
    force.executor->start(1, make_job(1, {Op::fill_on, 150 * kMiB}, lease.block()), {});
    if (within_the_slack) {
      force.executor->wait(events, Clock::now() + 900ms);
      CHECK(events.empty());
      continue;
    }
    const Completion completion = testing::wait_for(*force.executor, 1, events).front();
    CHECK(completion.outcome == Outcome::crashed);
    CHECK(completion.signal == SIGKILL);
    CHECK(completion.suspects == 1);
    CHECK(testing::text_of(completion) == "the worker was killed: it filled shared memory that was not leased to it");
    CHECK(force.windows->resident_bytes(1) == 0);
  }
}

TEST_CASE("a worker that fills its window while it has no job is ended, too", "[workers]") {
  const NothingLeft check;
  ExecutorOptions options = testing::processes(1);
  options.sandbox = Sandbox::off;  // a thread that outlives its job stands for whoever has taken the worker over
  Workforce force = make_workforce(options, 256 * kMiB, [](JobContext& context, Completion& completion) {
    std::byte* const bytes = context.write(context.job().blocks[0]).data();
    std::thread([bytes] {
      std::this_thread::sleep_for(700ms);
      std::memset(bytes, 1, 150 * kMiB);
    }).detach();
    completion.outcome = Outcome::done;
  });
  const Lease lease = testing::lease_one(*force.arena, 1, 4096);
  REQUIRE(testing::run_one(*force.executor, 1, make_job(1, {Op::nothing, 0}, lease.block())).outcome == Outcome::done);
  std::vector<Event> events;
  force.executor->wait(events, Clock::now() + 5s);
  REQUIRE(events.size() == 1);
  CHECK(std::get<WindowLost>(events.front()).window == 1);
  CHECK(force.windows->resident_bytes(1) == 0);
}

}  // namespace
}  // namespace tessera::workers
