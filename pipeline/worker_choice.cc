#include "pipeline/worker_choice.h"

#include <algorithm>

#include "pipeline/cpu_count.h"
#include "pipeline/usage_error.h"

namespace tessera::pipeline {

workers::ExecutorOptions choose_workers(const std::string& mode, int jobs, int threads) {
  using Mode = workers::ExecutorOptions::Mode;
  const int cpus = usable_cpus();
  if (mode == "serial") {
    if (jobs > 1 || threads > 1) throw UsageError("--mode serial runs one job at a time; leave out -j and --threads");
    return {Mode::serial, 1, 1};
  }
  if (mode == "threads") {
    if (jobs > 0 && threads > 0 && jobs != threads)
      throw UsageError("--mode threads has one process: give its threads as -j or as --threads, not both");
    return {Mode::threads, 1, std::max(jobs, threads) > 0 ? std::max(jobs, threads) : cpus};
  }
  if (mode == "hybrid" && threads == 0) threads = 2;
  if (mode == "hybrid" && threads == 1) throw UsageError("--mode hybrid has two or more --threads in each worker");
  threads = std::max(threads, 1);
  return {Mode::processes, jobs > 0 ? jobs : std::max(1, cpus / threads), threads};
}

}  // namespace tessera::pipeline
