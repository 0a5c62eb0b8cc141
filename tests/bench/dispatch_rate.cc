// How many jobs a second the coordinator's executor passes to workers and back: messages alone, no file, no journal.
//   tessera_dispatch_rate [MODE WORKERS THREADS SLEEP_US JOBS]      default: processes 64 1 1000 100000
// MODE: processes, threads. Every slot holds one job at a time, as in a run; a job sleeps SLEEP_US (0: returns at
// once). Prints one JSON object: jobs/s by the clock, and CPU time a job on both sides, which other load changes less.
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <cstdlib>
#include <string>

#include "workers/executor.h"

namespace {

using namespace tessera::workers;

double cpu_seconds(int who) {
  rusage usage{};
  getrusage(who, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct Settings {
  ExecutorOptions executor;
  long sleep_us = 1000;
  std::uint64_t jobs = 100'000;
};

int measure(const Settings& settings) {
  const timespec pause{settings.sleep_us / 1'000'000, settings.sleep_us % 1'000'000 * 1000};
  Workforce workforce = make_workforce(settings.executor, 64u << 20, [pause](JobContext&, Completion&) {
    if (pause.tv_sec != 0 || pause.tv_nsec != 0) nanosleep(&pause, nullptr);
  });
  Executor& executor = *workforce.executor;
  const double cpu_before = cpu_seconds(RUSAGE_SELF);
  const auto begun = Clock::now();
  std::uint64_t started = 0, answered = 0;
  std::vector<Event> events;
  const Limits limits{60'000, 240'000, 0};  // as every job of a run has some
  while (answered < settings.jobs) {
    for (const Executor::Worker& worker : executor.workers())
      while (worker.idle_slots > 0 && started < settings.jobs) {
        Job job;
        job.id = ++started;
        executor.start(worker.window, job, {}, limits);
      }
    events.clear();
    executor.wait(events, Clock::now() + std::chrono::seconds(10));
    if (events.empty()) {
      fmt::print(stderr, "tessera_dispatch_rate: no answer within 10 s\n");
      return 1;
    }
    for (const Event& event : events) {
      const auto* completion = std::get_if<Completion>(&event);
      if (completion == nullptr || completion->outcome != Outcome::done) {
        fmt::print(stderr, "tessera_dispatch_rate: a job did not end well\n");
        return 1;
      }
      ++answered;
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  const double own = cpu_seconds(RUSAGE_SELF) - cpu_before;
  executor.stop(Clock::now() + std::chrono::seconds(5));
  const auto jobs = static_cast<double>(settings.jobs);
  fmt::print(
      "{{\"jobs\": {}, \"sleep_us\": {}, \"seconds\": {:.4f}, \"jobs_per_second\": {:.0f}, \"own_cpu_us\": {:.2f}, "
      "\"worker_cpu_us\": {:.2f}}}\n",
      settings.jobs, settings.sleep_us, seconds, jobs / seconds, own / jobs * 1e6,
      cpu_seconds(RUSAGE_CHILDREN) / jobs * 1e6);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  settings.executor.workers = 64;
  if (argc == 6) {
    const std::string mode = argv[1];
    settings.executor.mode = mode == "threads" ? ExecutorOptions::Mode::threads : ExecutorOptions::Mode::processes;
    settings.executor.workers = std::atoi(argv[2]);
    settings.executor.threads = std::atoi(argv[3]);
    settings.sleep_us = std::atol(argv[4]);
    settings.jobs = std::strtoull(argv[5], nullptr, 10);
    if (mode != "threads" && mode != "processes") argc = 0;
  }
  if ((argc != 1 && argc != 6) || settings.jobs == 0) {
    fmt::print(stderr, "usage: tessera_dispatch_rate [processes|threads WORKERS THREADS SLEEP_US JOBS]\n");
    return 2;
  }
  settings.executor.sandbox = Sandbox::automatic;
  return measure(settings);
}
