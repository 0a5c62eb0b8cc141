// A fault that is done on purpose to one image of a run: how `compare faults` shows what each mode makes of it. It is
// handed over in memory, from that command to the coordinator of a run that it forked itself; no flag, variable, recipe
// or file can bring one about. The run is the program's own in everything else: same recipe, same journal, same output.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tessera::pipeline {

enum class InjectedFault : std::uint8_t { none, crash, hang, balloon, stack_overflow, heap_corruption };

/// "crash", "stack-overflow"
std::string_view to_string(InjectedFault);
/// Nothing for what is no name of a fault, "none" among them.
std::optional<InjectedFault> fault_called(std::string_view name);

struct Injection {
  InjectedFault fault = InjectedFault::none;
  std::uint64_t image = 0;  // Input::index
};

/// Does it, here and now, in the thread that calls.
///   crash            writes to an unmapped page: SIGSEGV
///   hang             never returns
///   balloon          takes all private memory that the system gives, touches it, keeps it for a while and gives it
///                    back. Throws std::bad_alloc
///   stack_overflow   recursion without end: SIGSEGV
///   heap_corruption  overwrites malloc's bookkeeping: SIGABRT, by glibc
/// Throws std::runtime_error where it cannot be done: a balloon without a limit of memory (RLIMIT_DATA), which would
/// take the machine; a damaged heap under a sanitizer's allocator.
void commit_fault(InjectedFault);

}  // namespace tessera::pipeline
