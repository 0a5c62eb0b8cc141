// What the kernel says of a process or a thread: CPU time and private memory. Nothing here trusts or stops it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace tessera::workers {

/// CPU time of the calling thread, in ns.
std::uint64_t own_cpu_ns();
/// CPU time of all threads of a process, in ns. Empty when it is gone.
std::optional<std::uint64_t> cpu_ns_of_process(pid_t);
/// CPU time of one thread of a process, in ns, in steps of the kernel's clock tick (10 ms). Empty when that process has
/// no such thread.
std::optional<std::uint64_t> cpu_ns_of_thread(pid_t process, std::uint64_t thread);

/// Private memory of a process, in bytes.
struct ProcessMemory {
  std::uint64_t data_bytes = 0;      // what RLIMIT_DATA counts: writable private mappings, touched or not
  std::uint64_t resident_bytes = 0;  // of it, what is in memory
  /// Empty when it is gone.
  static std::optional<ProcessMemory> of(pid_t);
};

/// Sets the soft RLIMIT_DATA of a process, at most to the hard one. Nothing when it is gone. Throws std::system_error.
void set_data_limit(pid_t, std::uint64_t bytes);

}  // namespace tessera::workers
