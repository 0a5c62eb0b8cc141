// What a worker may not do to the rest of the system, whatever file has taken it over. A list of refused system calls;
// to be called with one thread, before any other starts, and there is no way back.
#pragma once

#include <cstdint>

namespace tessera::workers {

/// require: workers that cannot have all of it do not start. automatic: what this kernel offers. off: none of it.
enum class Sandbox : std::uint8_t { require, automatic, off };

/// No core dumps, no new privileges, and a seccomp filter:
///   EACCES  opening files by any name, new memfds (libraries that merely probe go on without)
///   EPERM   sockets, executing programs, signals to other processes
///   killed  what no library of ours has a reason to call: reaching into processes, mounts, bpf, io_uring, userfaultfd
/// Throws std::system_error when the kernel refuses any of it.
void enter_sandbox();

}  // namespace tessera::workers
