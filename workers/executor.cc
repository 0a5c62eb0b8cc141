#include "workers/executor.h"

#include <fmt/format.h>

#include <limits>
#include <stdexcept>

#include "workers/kernel_features.h"
#include "workers/process_executor.h"
#include "workers/sandbox_support.h"
#include "workers/serial_executor.h"
#include "workers/status_page.h"
#include "workers/thread_executor.h"

namespace tessera::workers {
namespace {

constexpr int kMaxWorkers = 4096;
constexpr std::uint64_t kBoardBytes = 8 << 20;  // sparse, as the windows are

void check(const ExecutorOptions& options, std::uint64_t budget_bytes) {
  const bool forks = options.mode == ExecutorOptions::Mode::processes;
  if (forks && (options.workers < 1 || options.workers > kMaxWorkers))
    throw std::invalid_argument(
        fmt::format("The number of workers must be 1 to {}, and it is {}.", kMaxWorkers, options.workers));
  if (options.mode != ExecutorOptions::Mode::serial &&
      (options.threads < 1 || options.threads > static_cast<int>(kMaxSlots)))
    throw std::invalid_argument(
        fmt::format("The number of threads of a worker must be 1 to {}, and it is {}.", kMaxSlots, options.threads));
  if (budget_bytes == 0 || budget_bytes > std::numeric_limits<std::int64_t>::max() / 4)
    throw std::invalid_argument(fmt::format("A memory budget of {} bytes cannot be worked with.", budget_bytes));
}

/// Said once and before any fork, rather than by each worker that cannot begin.
void check_kernel(Sandbox sandbox) {
  if (!has_pidfd())
    throw std::runtime_error(
        "This kernel has no process descriptors (pidfd), which worker processes need: Linux 5.4 or newer has them. "
        "--mode threads and --mode serial do without, and isolate nothing.");
  if (sandbox != Sandbox::require) return;
  if (const auto missing = probe_sandbox().degraded(); !missing.empty())
    throw std::runtime_error(fmt::format(
        "The sandbox is not complete, and all of it is required: {}. --sandbox=auto goes on with what there "
        "is.",
        fmt::join(missing, "; ")));
}

}  // namespace

Workforce make_workforce(const ExecutorOptions& options, std::uint64_t budget_bytes, Run run) {
  check(options, budget_bytes);
  const bool forks = options.mode == ExecutorOptions::Mode::processes;
  if (forks) {
    open_standard_descriptors();
    check_kernel(options.sandbox);
  }
  // Twice the budget, so that first fit finds a gap in a fragmented window. Address space is all that it costs.
  const std::uint64_t capacity = status_page_bytes() + round_up_to_page(2 * budget_bytes);
  Workforce made;
  made.windows =
      std::make_unique<Windows>(forks ? Backing::shared : Backing::private_memory,
                                forks ? static_cast<std::uint32_t>(options.workers) : 1, capacity, kBoardBytes);
  made.arena = std::make_unique<Arena>(*made.windows, budget_bytes, status_page_bytes());
  switch (options.mode) {
    case ExecutorOptions::Mode::serial:
      made.executor = std::make_unique<SerialExecutor>(*made.windows, std::move(run));
      break;
    case ExecutorOptions::Mode::threads:
      made.executor = std::make_unique<ThreadExecutor>(*made.windows, std::move(run), options.threads);
      break;
    case ExecutorOptions::Mode::processes:
      made.executor = std::make_unique<ProcessExecutor>(*made.windows, *made.arena, std::move(run), options);
      break;
  }
  return made;
}

}  // namespace tessera::workers
