// One job there and back through each executor, one at a time: what a message costs where nothing else is done. Many at
// a time are tessera_dispatch_rate's.
#include <benchmark/benchmark.h>

#include <vector>

#include "workers/executor.h"

namespace {

using namespace tessera::workers;

void round_trip(benchmark::State& state, ExecutorOptions::Mode mode, int workers, int threads) {
  ExecutorOptions options;
  options.mode = mode;
  options.workers = workers;
  options.threads = threads;
  options.sandbox = Sandbox::automatic;
  const Workforce workforce = make_workforce(options, 64u << 20, [](JobContext&, Completion&) {});
  Executor& executor = *workforce.executor;
  std::vector<Event> events;
  std::uint64_t id = 0;
  for (auto _ : state) {
    Job job;
    job.id = ++id;
    executor.start(executor.workers()[id % executor.workers().size()].window, job, {}, {60'000, 240'000, 0});
    events.clear();
    while (events.empty()) executor.wait(events, Clock::now() + std::chrono::seconds(10));
  }
}

// Workers are forked while this process has one thread: threads come last.
BENCHMARK_CAPTURE(round_trip, processes_2, ExecutorOptions::Mode::processes, 2, 1)->UseRealTime();
BENCHMARK_CAPTURE(round_trip, hybrid_2x2, ExecutorOptions::Mode::processes, 2, 2)->UseRealTime();
BENCHMARK_CAPTURE(round_trip, serial, ExecutorOptions::Mode::serial, 1, 1)->UseRealTime();
BENCHMARK_CAPTURE(round_trip, threads_2, ExecutorOptions::Mode::threads, 1, 2)->UseRealTime();

}  // namespace
