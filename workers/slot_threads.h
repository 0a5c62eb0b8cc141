// T oneTBB threads, each running one long loop: the slots of thread mode and of a hybrid worker. In a forked worker it
// must be made after the fork (a child of a parent that used oneTBB gets one thread, silently) and after the sandbox.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace tessera::workers {

/// The library behind it and its version.
std::string threads_library();

class SlotThreads {
 public:
  /// Calls loop(0) .. loop(threads - 1), each in its own thread. The loops must not throw.
  SlotThreads(std::size_t threads, std::function<void(std::size_t)> loop);
  /// Waits for the loops to return and for oneTBB's threads to end.
  ~SlotThreads();
  SlotThreads(const SlotThreads&) = delete;
  SlotThreads& operator=(const SlotThreads&) = delete;

  /// False when not all loops have begun in time: the system gives fewer threads than were asked for.
  bool wait_until_begun(std::chrono::milliseconds);
  void wait_until_ended();

 private:
  struct Scheduler;  // oneTBB stays out of the header
  struct Task;
  void run(std::size_t slot);
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t threads_, begun_ = 0, ended_ = 0;
  std::function<void(std::size_t)> loop_;
  std::unique_ptr<Scheduler> scheduler_;
};

}  // namespace tessera::workers
