// How many threads this process has, as the kernel counts them.
#pragma once

#include <cstddef>

namespace tessera::workers {

/// Entries of /proc/self/task. Throws std::filesystem::filesystem_error where /proc is missing.
std::size_t thread_count();

/// Whether a fork is safe: a child has only the forking thread, and locks that others held stay locked for ever.
bool is_single_threaded();

}  // namespace tessera::workers
