#include "workers/kernel_features.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "workers/fd.h"

namespace tessera::workers {
namespace {

#ifdef TESSERA_FAULTS
bool is_said_to_lack(std::string_view feature) {
  const char* const value = std::getenv("TESSERA_FAULT_LACKS");
  std::string_view rest = value != nullptr ? value : "";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    if (rest.substr(0, end) == feature) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}
#else
constexpr bool is_said_to_lack(std::string_view) { return false; }
#endif

}  // namespace

int landlock_abi() {
  if (is_said_to_lack("landlock")) return 0;
  constexpr unsigned kVersion = 1;  // LANDLOCK_CREATE_RULESET_VERSION
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersion);
  return static_cast<int>(std::max(abi, 0L));
}

bool has_seccomp() {
  if (is_said_to_lack("seccomp")) return false;
  const std::uint32_t kill = SECCOMP_RET_KILL_PROCESS;
  if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill) != 0) return false;
  // A filter that is not there: EFAULT once everything else about the call is found to be right.
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, nullptr) != 0 && errno == EFAULT;
}

bool has_pidfd() {
  if (is_said_to_lack("pidfd")) return false;
  const Fd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  return static_cast<bool>(self);
}

bool has_tmpfile(const char* folder) {
  if (is_said_to_lack("tmpfile")) return false;
  constexpr mode_t kOwnerOnly = 0600;
  const Fd file(::open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, kOwnerOnly));
  return static_cast<bool>(file);
}

}  // namespace tessera::workers
