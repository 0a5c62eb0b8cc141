#include "workers/sandbox.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "workers/call_filter.h"
#include "workers/fd.h"
#include "workers/job.h"
#include "workers/landlock.h"
#include "workers/sandbox_support.h"

namespace tessera::workers {
namespace {

/// CPU time is not limited here: the limit would count a worker's whole life, and an honest one lives for hours. Jobs
/// have their own.
void set_limits(std::size_t slots) {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) throw_errno("setrlimit(RLIMIT_CORE)");
  constexpr rlim_t kOwn = 4 + 4;  // standard ones and the channel; a few that the next layers open and close
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) throw_errno("getrlimit(RLIMIT_NOFILE)");
  const rlim_t enough = kOwn + kMaxJobFds * slots;
  files.rlim_cur = std::min(files.rlim_cur, enough);
  files.rlim_max = std::min(files.rlim_max, enough);
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) throw_errno("setrlimit(RLIMIT_NOFILE)");
}

/// The user may be root; a worker needs nothing of that.
void drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  if (::syscall(SYS_capset, &header, none.data()) != 0) throw_errno("capset");
}

}  // namespace

bool enter_sandbox(Sandbox sandbox, std::size_t slots, int channel_fd) {
  set_limits(slots);
  drop_capabilities();
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw_errno("prctl(PR_SET_NO_NEW_PRIVS)");
  if (sandbox == Sandbox::off) return false;
  const SandboxSupport support = probe_sandbox();
  if (sandbox == Sandbox::require && !support.complete()) throw std::runtime_error(support.degraded().front());
  if (support.landlock_abi > 0) enter_landlock(support.landlock_abi);
  if (support.seccomp) filter_calls(slots, channel_fd);
  return support.seccomp;
}

}  // namespace tessera::workers
