// A forked worker's own side, from the first instruction after fork to _exit.
#pragma once

#include <cstdint>

#include "workers/channel.h"
#include "workers/job_context.h"
#include "workers/sandbox.h"
#include "workers/window.h"

namespace tessera::workers {

/// What a worker is made from. The forked child uses its copies of what is referred to.
struct WorkerSetup {
  Windows& windows;
  const Run& run;
  std::uint32_t window;
  std::uint32_t generation;
  std::size_t slots;
  Sandbox sandbox;
};

/// Exit codes of a worker, for people who read a log. A job's exit(n) ends the worker with n as well.
constexpr int kExitEnd = 0, kExitSetup = 70, kExitChannel = 71;

/// Called in the child, with every signal blocked. Never returns, and leaves by _exit alone: no destructor and no
/// atexit handler of the parent's state runs here. `output` becomes stdout and stderr.
[[noreturn]] void run_worker(const WorkerSetup&, Channel, Fd output, int parent_pid) noexcept;

}  // namespace tessera::workers
