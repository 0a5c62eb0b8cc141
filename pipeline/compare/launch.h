// One run of one configuration, watched from outside: a fresh process, what it took, how it ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/signals.h"

namespace tessera::pipeline {

/// Of a process and everything below it, sampled while it ran.
struct MemoryPeak {
  // At the moment when pss_bytes was highest:
  std::uint64_t pss_bytes = 0;      // proportional set sizes added up
  std::uint64_t private_bytes = 0;  // of that, pages that one process alone maps
  std::uint64_t windows_bytes = 0;  // pages of shared memory files (memfd) of the first process, mapped or not
  std::uint64_t processes = 0;
  std::uint64_t samples = 0;
};

struct LaunchOptions {
  bool sample_memory = false;  // every `memory_interval`; costs the run a little, so timed runs go without
  std::chrono::milliseconds memory_interval{10};
  std::chrono::milliseconds deadline{0};  // SIGKILL to the whole process group then; 0: never
  const SignalWatch* signals = nullptr;   // a signal kills the run: launch() throws Interrupted
  std::uint64_t data_limit = 0;           // RLIMIT_DATA of the child and of what it forks, bytes; 0: as it is
};

struct Observation {
  std::chrono::steady_clock::time_point started, ended;  // just before the fork; when it was reaped
  double wall_s = 0;
  // Its own and those of all descendants that were waited for (wait4):
  double user_s = 0, system_s = 0;
  std::uint64_t minor_faults = 0, major_faults = 0, voluntary_switches = 0, involuntary_switches = 0;
  int exit_code = -1;          // -1: ended by a signal
  int signal = 0;              // that ended it
  bool killed_late = false;    // by us, at the deadline
  double other_load = 0;       // processor time that others (and the hypervisor) took meanwhile, of all there was: 0..1
  std::string output, errors;  // stdout; stderr (its last 64 KiB each)
  MemoryPeak memory;
};

/// Ended by a signal to ourselves; what was launched is dead.
class Interrupted {
 public:
  explicit Interrupted(int number) : signal(number) {}
  int signal;
};

/// Runs a program (argv[0] is its path or is looked for in PATH) in a process group of its own, stdin from /dev/null.
/// Throws std::system_error when it cannot be started.
Observation launch(const std::vector<std::string>& argv, const LaunchOptions&);
/// Runs `body` in a forked child instead; what it returns is the exit code. The caller must have one thread.
Observation launch(const std::function<int()>& body, const LaunchOptions&);

}  // namespace tessera::pipeline
