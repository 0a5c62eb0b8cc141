#include "workers/sandbox.h"

#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <initializer_list>
#include <memory>
#include <system_error>

#include "workers/fd.h"

namespace tessera::workers {
namespace {

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

void add(const Filter& filter, std::uint32_t action, std::initializer_list<int> calls) {
  for (const int call : calls) check(seccomp_rule_add(filter.get(), action, call, 0), "seccomp_rule_add");
}

/// raise() and abort() signal the own process, which stays allowed.
void refuse_signals_to_others(const Filter& filter) {
  const scmp_arg_cmp other = SCMP_A0(SCMP_CMP_NE, static_cast<scmp_datum_t>(::getpid()));
  for (const int call : {SCMP_SYS(kill), SCMP_SYS(tgkill), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo)})
    check(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 1, other), "seccomp_rule_add");
  add(filter, SCMP_ACT_ERRNO(EPERM), {SCMP_SYS(tkill), SCMP_SYS(pidfd_send_signal)});
}

void load_filter() {
  const Filter filter(seccomp_init(SCMP_ACT_ALLOW), seccomp_release);
  if (!filter) throw std::system_error(ENOMEM, std::generic_category(), "seccomp_init");
  add(filter, SCMP_ACT_ERRNO(EACCES),
      {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(creat), SCMP_SYS(open_by_handle_at),
       SCMP_SYS(memfd_create), SCMP_SYS(memfd_secret)});
  add(filter, SCMP_ACT_ERRNO(EPERM),
      {SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(pidfd_open)});
  add(filter, SCMP_ACT_KILL_PROCESS,
      {SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd),
       SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), SCMP_SYS(bpf), SCMP_SYS(mount),
       SCMP_SYS(umount2), SCMP_SYS(userfaultfd)});
  refuse_signals_to_others(filter);
  // A balanced tree instead of a chain of comparisons, which every system call would walk.
  check(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "seccomp_attr_set(CTL_OPTIMIZE)");
  check(seccomp_load(filter.get()), "seccomp_load");
}

}  // namespace

void enter_sandbox() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) throw_errno("setrlimit(RLIMIT_CORE)");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw_errno("prctl(PR_SET_NO_NEW_PRIVS)");
  load_filter();
}

}  // namespace tessera::workers
