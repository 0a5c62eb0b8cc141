#include "workers/sandbox_support.h"

#include <fmt/format.h>

#include "workers/kernel_features.h"

namespace tessera::workers {

std::vector<std::string> SandboxSupport::degraded() const {
  std::vector<std::string> sentences;
  if (landlock_abi == 0)
    sentences.emplace_back(
        "Landlock is missing (Linux 5.13 or newer has it, when \"landlock\" is in /sys/kernel/security/lsm): only the "
        "system-call filter keeps workers from files");
  if (!seccomp)
    sentences.emplace_back(
        "seccomp is missing (Linux 4.14 or newer has it; a container may forbid it): a worker that a damaged file has "
        "taken over can make any system call");
  return sentences;
}

std::string SandboxSupport::left_to_seccomp() const {
  struct Step {
    int abi;
    const char* right;
  };
  std::string rights;
  for (const Step& step : {Step{2, "renaming between folders"}, Step{3, "truncation"}, Step{4, "TCP"},
                           Step{5, "device ioctls"}, Step{6, "signals and abstract sockets"}})
    if (landlock_abi < step.abi) rights += fmt::format("{}{}", rights.empty() ? "" : ", ", step.right);
  return rights;
}

SandboxSupport probe_sandbox() { return {has_seccomp(), landlock_abi()}; }

}  // namespace tessera::workers
