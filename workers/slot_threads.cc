#include "workers/slot_threads.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/version.h>

#include <new>
#include <optional>
#include <utility>

#include "workers/handover.h"

namespace tessera::workers {

std::string threads_library() { return std::string("oneTBB ") + TBB_runtime_version(); }

// Its copy inside oneTBB is complete when it is handed over.
struct SlotThreads::Task {
  Task(SlotThreads& threads, std::size_t number) : owner(&threads), slot(number) {}
  Task(const Task& other) : owner(other.owner), slot(other.slot) { before_handover(); }
  Task& operator=(const Task&) = delete;
  void operator()() const {
    after_handover();
    owner->run(slot);
  }
  SlotThreads* owner;
  std::size_t slot;
};

// Without the global_control oneTBB caps itself at the number of CPUs less one, and on two CPUs two loops run one after
// the other (measured). No place is reserved for a calling thread: all T are for the loops.
struct SlotThreads::Scheduler {
  explicit Scheduler(std::size_t threads)
      : handle(tbb::attach{}),
        limit(std::in_place, tbb::global_control::max_allowed_parallelism, threads + 1),
        arena(std::in_place, static_cast<int>(threads), 0) {}
  ~Scheduler() {
    arena.reset();
    limit.reset();
    tbb::finalize(handle, std::nothrow);  // joins oneTBB's threads
  }
  tbb::task_scheduler_handle handle;
  std::optional<tbb::global_control> limit;
  std::optional<tbb::task_arena> arena;
};

SlotThreads::SlotThreads(std::size_t threads, std::function<void(std::size_t)> loop)
    : threads_(threads), loop_(std::move(loop)), scheduler_(std::make_unique<Scheduler>(threads)) {
  for (std::size_t slot = 0; slot < threads_; ++slot) {
    const Task task(*this, slot);
    scheduler_->arena->enqueue(task);
  }
}

void SlotThreads::run(std::size_t slot) {
  {
    const std::lock_guard lock(mutex_);
    ++begun_;
    changed_.notify_all();
  }
  loop_(slot);
  const std::lock_guard lock(mutex_);
  ++ended_;
  changed_.notify_all();
}

SlotThreads::~SlotThreads() {
  wait_until_ended();
  scheduler_.reset();
}

bool SlotThreads::wait_until_begun(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return begun_ == threads_; });
}

void SlotThreads::wait_until_ended() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ended_ == threads_; });
}

}  // namespace tessera::workers
