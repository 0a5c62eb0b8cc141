// The simplest way to use N processors: N forked children that take the next number from a shared counter.
#pragma once

#include <malloc.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <opencv2/core/utility.hpp>

#include "workers/mapping.h"

namespace tessera::bench {

/// Calls `work(take)` in each child, which ends when take() gives `count`. 0 when every child returned 0.
template <class Work>
int forked_loop(int children, int count, const Work& work) {
  cv::setNumThreads(1);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  const workers::Mapping shared(4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
  auto* next = new (shared.data()) std::atomic<int>(0);
  for (int i = 0; i < children; ++i)
    if (fork() == 0) {
      int failed = 1;
      try {
        failed = work([&] { return std::min(count, next->fetch_add(1)); });
      } catch (const std::exception& e) {
        dprintf(STDERR_FILENO, "%s\n", e.what());
      }
      _exit(failed == 0 ? 0 : 1);
    }
  int failed = 0;
  for (int i = 0; i < children; ++i) {
    int status = 0;
    wait(&status);
    failed += !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace tessera::bench
