// Named moments at which a test can end or stop a process. Nothing at all unless TESSERA_FAULTS is on.
#pragma once

#include <string_view>

namespace tessera::workers {

#ifdef TESSERA_FAULTS
/// TESSERA_FAULT_AT="name:n[+][:action]", read once at the start of the program, picks the n-th passing (from 1; with +
/// the later ones as well) of the point by all processes together; the process that makes it does the action: kill
/// (SIGKILL, the default), stop (SIGSTOP) or exit (with code 7, nothing flushed). Needs no system call to pass by.
/// TESSERA_FAULT_COUNT names a file of 8 bytes that keeps the number of passings for the test.
void fault_point(std::string_view name) noexcept;
#else
inline void fault_point(std::string_view) noexcept {}
#endif

}  // namespace tessera::workers
