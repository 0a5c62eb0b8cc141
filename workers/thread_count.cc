#include "workers/thread_count.h"

#include <filesystem>
#include <iterator>

namespace tessera::workers {

std::size_t thread_count() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
}

}  // namespace tessera::workers
