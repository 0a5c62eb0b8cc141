// What a worker may ask of the kernel: a list of allowed system calls (seccomp). What is not on it is refused; what no
// library of ours has a reason to call kills the worker.
#pragma once

#include <cstddef>

namespace tessera::workers {

/// To be called with one thread, before any other starts; there is no way back. Needs no-new-privs.
///   allowed  memory without execution, reading and writing open descriptors, clocks, waiting, messages on
///   `channel_fd`,
///            signals to itself; threads only when there are `slots` > 1
///   EACCES   everything that opens or looks at a name, new memfds, executable memory: libraries that merely probe go
///   on EPERM    signals to others, limits, prctl; threads of a one-slot worker ENOSYS   clone3, whose flags a filter
///   cannot see: glibc falls back to clone killed   programs, processes, sockets, reaching into processes, mounts,
///   namespaces, io_uring, bpf, userfaultfd, ...
///            and every system call of a foreign architecture
///   others   EPERM; killed in a build with TESSERA_STRICT_SANDBOX, so that tests find what is missing here
/// Throws std::system_error.
void filter_calls(std::size_t slots, int channel_fd);

/// Takes clone away from all threads of this process, once there are as many as there should be. After filter_calls
/// with `slots` > 1. Throws std::system_error.
void refuse_more_threads();

}  // namespace tessera::workers
