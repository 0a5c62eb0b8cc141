#include "workers/landlock.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "workers/fd.h"

namespace tessera::workers {
namespace {

// As in the kernel's linux/landlock.h; Debian 12's copy ends with version 2, and the kernel may be newer.
struct Ruleset {
  std::uint64_t files, network, scopes;
};
constexpr std::uint64_t bits(int count) { return (std::uint64_t{1} << count) - 1; }

Ruleset all_rights(int abi) {
  constexpr std::array kFileRights = {13, 14, 15, 15, 16};  // of versions 1 to 5: +refer, +truncate, +ioctl of devices
  const auto version = static_cast<std::size_t>(std::min<int>(abi, kFileRights.size()));
  return {bits(kFileRights[version - 1]), abi >= 4 ? bits(2) : 0, abi >= 6 ? bits(2) : 0};
}

/// Older kernels refuse a structure that is longer than theirs unless the rest is zero, so this one's length would do;
/// the exact length says the same without relying on it.
std::size_t ruleset_bytes(int abi) { return (abi >= 6 ? 3 : abi >= 4 ? 2 : 1) * sizeof(std::uint64_t); }

}  // namespace

void enter_landlock(int abi) {
  const Ruleset all = all_rights(abi);
  const Fd rules = checked_fd(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &all, ruleset_bytes(abi), 0)),
                              "landlock_create_ruleset");
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) throw_errno("landlock_restrict_self");
}

}  // namespace tessera::workers
