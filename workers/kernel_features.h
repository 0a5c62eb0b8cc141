// What this kernel and this container let a process do: the one place that asks. Asking changes nothing.
// A program built with TESSERA_FAULTS believes the environment variable TESSERA_FAULT_LACKS (a list such as
// "landlock,seccomp,tmpfile,pidfd") when it says that a feature is missing, so that tests can see an old kernel.
#pragma once

namespace tessera::workers {

/// Version of Landlock's interface; 0: the kernel has none, or it is switched off.
int landlock_abi();
/// Filters of system calls that kill the process and can be given to all of its threads (Linux 4.14), not forbidden by
/// a container's own filter.
bool has_seccomp();
/// Process descriptors that can be waited for (Linux 5.4): without them there are no worker processes.
bool has_pidfd();
/// Files without a name in this folder. False as well when the folder cannot be written to.
bool has_tmpfile(const char* folder);

}  // namespace tessera::workers
