// Which layers of the sandbox this machine offers, found out without entering it.
#pragma once

#include <string>
#include <vector>

namespace tessera::workers {

struct SandboxSupport {
  bool seccomp = false;
  int landlock_abi = 0;  // 0: none

  bool complete() const { return seccomp && landlock_abi > 0; }
  /// One sentence for each layer that is missing: which, since when there is one, and what that means. Empty: none is.
  std::vector<std::string> degraded() const;
  /// What this version of Landlock leaves to the system-call filter alone; "" when nothing that we know of.
  std::string left_to_seccomp() const;
};

SandboxSupport probe_sandbox();

}  // namespace tessera::workers
