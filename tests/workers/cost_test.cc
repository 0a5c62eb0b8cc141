// What messages and forks cost. Hidden: run with "[cost]"; the figures are printed, nothing is judged.
#include <catch2/catch.hpp>
#include <iostream>

#include "tests/workers/support.h"
#include "workers/executor.h"

namespace tessera::workers {
namespace {

using testing::make_job;
using testing::Op;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double round_trip_us(const ExecutorOptions& options) {
  constexpr int kJobs = 20'000;
  Workforce force = testing::make_test_workforce(options);
  std::vector<Event> events;
  const auto start = Clock::now();
  for (std::uint64_t id = 1; id <= kJobs; ++id) {
    force.executor->start(1, make_job(id, {Op::nothing, 0}), {});
    events.clear();
    while (events.empty()) force.executor->wait(events, Clock::time_point::max());
  }
  return seconds_since(start) / kJobs * 1e6;
}

double jobs_per_second(const ExecutorOptions& options, std::uint64_t jobs) {
  Workforce force = testing::make_test_workforce(options, 64 << 20);
  std::vector<Event> events;
  std::uint64_t next = 1, done = 0;
  const auto start = Clock::now();
  while (done < jobs) {
    for (const Executor::Worker& worker : force.executor->workers())
      for (int i = worker.idle_slots; i > 0 && next <= jobs; --i)
        force.executor->start(worker.window, make_job(next++, {Op::nothing, 0}), {});
    events.clear();
    force.executor->wait(events, Clock::time_point::max());
    done += events.size();
  }
  return static_cast<double>(jobs) / seconds_since(start);
}

TEST_CASE("what messages and forks cost", "[.cost]") {
  std::cout << "round trip, serial:            " << round_trip_us({ExecutorOptions::Mode::serial, 1, 1}) << " us\n"
            << "round trip, one thread:        " << round_trip_us({ExecutorOptions::Mode::threads, 1, 1}) << " us\n"
            << "round trip, one process:       " << round_trip_us(testing::processes(1)) << " us\n"
            << "round trip, hybrid 1 x 2:      " << round_trip_us(testing::processes(1, 2)) << " us\n"
            << "empty jobs/s, 2 processes:     " << jobs_per_second(testing::processes(2), 100'000) << '\n'
            << "empty jobs/s, 64 processes:    " << jobs_per_second(testing::processes(64), 200'000) << '\n'
            << "empty jobs/s, hybrid 8 x 8:    " << jobs_per_second(testing::processes(8, 8), 100'000) << '\n';
  for (const int workers : {1, 8, 64}) {
    const auto start = Clock::now();
    Workforce force = testing::make_test_workforce(testing::processes(workers), std::uint64_t{4} << 30);
    const double ready = seconds_since(start);
    force = {};
    std::cout << workers << " workers ready after:          " << ready * 1e3 << " ms, " << ready * 1e3 / workers
              << " ms each; gone after " << (seconds_since(start) - ready) * 1e3 << " ms\n";
  }
  Workforce force = testing::make_test_workforce(testing::processes(8), std::uint64_t{4} << 30);
  std::vector<Event> events;
  constexpr int kTimes = 200;
  const auto start = Clock::now();
  for (int i = 0; i < kTimes; ++i) {
    force.executor->retire(1);
    testing::wait_for_idle(*force.executor, 8, events);
  }
  std::cout << "retire, reap, fork, ready:     " << seconds_since(start) / kTimes * 1e3 << " ms\n";
}

}  // namespace
}  // namespace tessera::workers
