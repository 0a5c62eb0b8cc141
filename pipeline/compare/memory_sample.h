// What a process and everything below it hold in memory at this moment, as /proc tells. A process that vanishes while
// it is read counts as far as it was read: that is no error.
// Processes are read one after the other: a page that changes hands meanwhile counts twice, or not at all.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace tessera::pipeline {

struct MemorySample {
  std::uint64_t pss_bytes = 0;      // proportional set sizes added up (smaps_rollup)
  std::uint64_t private_bytes = 0;  // of that, pages that one process alone maps
  std::uint64_t windows_bytes = 0;  // pages of the memfds that the first process holds, mapped or not, each once
  std::uint64_t processes = 0;      // that were read
};

/// Empty when the first process is gone or may not be looked at.
std::optional<MemorySample> sample_memory(pid_t first);

/// The first and everything below it, parents before children. By /proc/PID/task/*/children (CONFIG_PROC_CHILDREN);
/// where the kernel has none, by the parents of all processes.
std::vector<pid_t> process_tree(pid_t first);
/// The second of the two ways.
std::vector<pid_t> process_tree_by_parents(pid_t first);

}  // namespace tessera::pipeline
