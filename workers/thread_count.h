// How many threads this process has, as the kernel counts them.
#pragma once

#include <cstddef>

namespace tessera::workers {

/// Entries of /proc/self/task. Throws std::filesystem::filesystem_error where /proc is missing.
std::size_t thread_count();

/// What thread_count() must say before a fork. ThreadSanitizer's runtime keeps a thread of its own.
#ifdef __SANITIZE_THREAD__
constexpr std::size_t kThreadsBeforeFork = 2;
#else
constexpr std::size_t kThreadsBeforeFork = 1;
#endif

}  // namespace tessera::workers
