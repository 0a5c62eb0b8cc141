// One oneTBB thread that runs already, to be given tasks.
#pragma once

#include <memory>

namespace tessera::workers::costs {

class TaskThread {
 public:
  TaskThread();
  ~TaskThread();
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;
  /// Seconds from giving it an empty task until the caller, who slept meanwhile, has been told that it is done.
  double once();

 private:
  struct Parts;  // oneTBB stays out of the header
  std::unique_ptr<Parts> parts_;
};

}  // namespace tessera::workers::costs
