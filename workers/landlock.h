// The kernel's own sandbox for unprivileged processes: every path, every TCP port, signals and abstract sockets
// outside. It holds whatever system call is used; what is open already stays usable.
#pragma once

namespace tessera::workers {

/// Takes every right away that Landlock of version `abi` (1 or more) knows of, from this thread and those that it
/// starts from now on; there is no way back. Needs no-new-privs. Throws std::system_error.
void enter_landlock(int abi);

}  // namespace tessera::workers
