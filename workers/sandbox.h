// Where a worker is shut in before it reads the first byte of an input: limits, no privileges, Landlock, and a list of
// allowed system calls. Each layer holds alone for files.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tessera::workers {

/// require: workers that cannot have all of it do not start. automatic: what this kernel offers. off: neither Landlock
/// nor a system-call filter; limits, closed descriptors and dropped privileges remain.
enum class Sandbox : std::uint8_t { require, automatic, off };

/// To be called in the worker with one thread, after everything is open that it needs; there is no way back. `slots`:
/// threads that will run jobs; one: no thread can be started at all. `channel_fd`: the one socket.
/// True when system calls are filtered: a worker of several slots then calls refuse_more_threads() (call_filter.h) once
/// its threads have begun. Throws std::system_error when the kernel refuses a layer, std::runtime_error when a required
/// one is missing.
[[nodiscard]] bool enter_sandbox(Sandbox, std::size_t slots, int channel_fd);

}  // namespace tessera::workers
