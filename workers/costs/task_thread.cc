#include "workers/costs/task_thread.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <condition_variable>
#include <mutex>

#include "workers/costs/sampling.h"
#include "workers/handover.h"

namespace tessera::workers::costs {

// As slot_threads.cc does: one place, for oneTBB's thread and not for the caller's.
struct TaskThread::Parts {
  tbb::global_control limit{tbb::global_control::max_allowed_parallelism, 2};
  tbb::task_arena arena{1, 0};
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
};

TaskThread::TaskThread() : parts_(std::make_unique<Parts>()) {}
TaskThread::~TaskThread() = default;

double TaskThread::once() {
  Parts& parts = *parts_;
  parts.done = false;
  const double start = now_s();
  before_handover();
  parts.arena.enqueue([&parts] {
    after_handover();
    const std::lock_guard lock(parts.mutex);
    parts.done = true;
    parts.changed.notify_one();
  });
  std::unique_lock lock(parts.mutex);
  parts.changed.wait(lock, [&parts] { return parts.done; });
  return now_s() - start;
}

}  // namespace tessera::workers::costs
