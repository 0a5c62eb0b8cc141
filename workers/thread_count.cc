#include "workers/thread_count.h"

#include <filesystem>
#include <iterator>

namespace tessera::workers {

std::size_t thread_count() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
}

bool is_single_threaded() {
#ifdef __SANITIZE_THREAD__
  constexpr std::size_t kOwnAndTools = 2;  // its runtime starts a thread of its own beside our first
#else
  constexpr std::size_t kOwnAndTools = 1;
#endif
  return thread_count() <= kOwnAndTools;
}

}  // namespace tessera::workers
