#include "workers/call_filter.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <system_error>

#include "workers/fd.h"

namespace tessera::workers {
namespace {

#ifdef TESSERA_STRICT_SANDBOX
constexpr std::uint32_t kUnknown = SCMP_ACT_KILL_PROCESS;
#else
constexpr std::uint32_t kUnknown = SCMP_ACT_ERRNO(EPERM);
#endif

/// What glibc's pthread_create asks of clone, and nothing else.
constexpr scmp_datum_t kThreadFlags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | CLONE_THREAD |
                                      CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

class Filter {
 public:
  Filter() : context_(seccomp_init(kUnknown), seccomp_release) {
    if (!context_) throw std::system_error(ENOMEM, std::generic_category(), "seccomp_init");
  }
  void add(std::uint32_t action, int call, std::initializer_list<scmp_arg_cmp> when = {}) {
    if (action == kUnknown) return;  // libseccomp refuses what would be the same
    check(seccomp_rule_add_array(context_.get(), action, call, static_cast<unsigned>(when.size()), when.begin()),
          "seccomp_rule_add");
  }
  void add_all(std::uint32_t action, std::initializer_list<int> calls) {
    for (const int call : calls) add(action, call);
  }
  void load() {
    // Foreign architectures and x32 would lose their thread alone by default, and leave a worker that waits for it.
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "seccomp_attr_set");
    // A balanced tree instead of a chain of comparisons, which every system call would walk.
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "seccomp_attr_set");
    check(seccomp_load(context_.get()), "seccomp_load");
  }

 private:
  std::unique_ptr<void, decltype(&seccomp_release)> context_;
};

// Private memory alone, which RLIMIT_DATA counts: neither shared memory nor a stack that grows is. Windows are mapped
// before the filter. libseccomp cannot ask for "not equal under a mask", so what is not private is named bit by bit.
void allow_memory(Filter& filter) {
  filter.add_all(SCMP_ACT_ALLOW, {SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise)});
  const scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)})
    filter.add(SCMP_ACT_ERRNO(EACCES), call, {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)});
  filter.add(SCMP_ACT_ALLOW, SCMP_SYS(mprotect), {no_code});
  filter.add(SCMP_ACT_ALLOW, SCMP_SYS(mmap),
             {no_code, SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_TYPE | MAP_GROWSDOWN, MAP_PRIVATE)});
  for (scmp_datum_t bit = 1; bit <= MAP_GROWSDOWN; bit <<= 1)
    if ((bit & (MAP_TYPE | MAP_GROWSDOWN)) != 0)
      filter.add(SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mmap),
                 {no_code, SCMP_A3(SCMP_CMP_MASKED_EQ, bit, bit == MAP_PRIVATE ? 0 : bit)});
}

void allow_descriptors(Filter& filter, int channel_fd) {
  filter.add_all(SCMP_ACT_ALLOW, {SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(write),
                                  SCMP_SYS(writev), SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(lseek),
                                  SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(fsync), SCMP_SYS(fdatasync)});
  for (const int call : {SCMP_SYS(sendmsg), SCMP_SYS(recvmsg)})
    filter.add(SCMP_ACT_ALLOW, call, {SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(channel_fd))});
  // Libraries ask what a descriptor is; none has a reason to change one.
  static_assert(F_DUPFD == 0 && F_GETFD == 1 && F_SETFD == 2 && F_GETFL == 3);
  for (const int what : {F_GETFD, F_GETFL})
    filter.add(SCMP_ACT_ALLOW, SCMP_SYS(fcntl), {SCMP_A1(SCMP_CMP_EQ, static_cast<scmp_datum_t>(what))});
  for (const int what : {F_DUPFD, F_SETFD})
    filter.add(SCMP_ACT_ERRNO(EPERM), SCMP_SYS(fcntl), {SCMP_A1(SCMP_CMP_EQ, static_cast<scmp_datum_t>(what))});
  filter.add(SCMP_ACT_ERRNO(EPERM), SCMP_SYS(fcntl), {SCMP_A1(SCMP_CMP_GT, F_GETFL)});
  filter.add(SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl));  // isatty(): no
}

void allow_time_and_waiting(Filter& filter) {
  filter.add_all(SCMP_ACT_ALLOW, {SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
                                  SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep),
                                  SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time)});
}

void allow_questions(Filter& filter) {
  filter.add_all(SCMP_ACT_ALLOW,
                 {SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getrandom), SCMP_SYS(uname),
                  SCMP_SYS(sysinfo), SCMP_SYS(getcpu), SCMP_SYS(sched_getaffinity), SCMP_SYS(getrusage)});
  // Limits may be read, which pthread_getattr_np does, and not set.
  filter.add(SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), {SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0)});
  filter.add(SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), {SCMP_A2(SCMP_CMP_NE, 0)});
}

void allow_threads(Filter& filter, std::size_t slots) {
  filter.add_all(SCMP_ACT_ALLOW, {SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rseq), SCMP_SYS(set_robust_list)});
  filter.add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  const bool several = slots > 1;
  filter.add(several ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), {SCMP_A0(SCMP_CMP_EQ, kThreadFlags)});
  filter.add(SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), {SCMP_A0(SCMP_CMP_NE, kThreadFlags)});
  // For refuse_more_threads(). A further filter can only refuse more.
  if (several)
    filter.add(SCMP_ACT_ALLOW, SCMP_SYS(seccomp),
               {SCMP_A0(SCMP_CMP_EQ, SECCOMP_SET_MODE_FILTER), SCMP_A1(SCMP_CMP_EQ, SECCOMP_FILTER_FLAG_TSYNC)});
}

/// raise() and abort() signal the own process.
void allow_signals(Filter& filter) {
  filter.add_all(SCMP_ACT_ALLOW,
                 {SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack)});
  const auto self = static_cast<scmp_datum_t>(::getpid());
  for (const int call : {SCMP_SYS(kill), SCMP_SYS(tgkill)}) {
    filter.add(SCMP_ACT_ALLOW, call, {SCMP_A0(SCMP_CMP_EQ, self)});
    filter.add(SCMP_ACT_ERRNO(EPERM), call, {SCMP_A0(SCMP_CMP_NE, self)});
  }
  filter.add_all(SCMP_ACT_ERRNO(EPERM), {SCMP_SYS(tkill), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo),
                                         SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_send_signal)});
}

void refuse_names(Filter& filter) {
  filter.add_all(
      SCMP_ACT_ERRNO(EACCES),
      {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(creat), SCMP_SYS(name_to_handle_at),
       SCMP_SYS(open_by_handle_at), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(stat),
       SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(readlink),
       SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(memfd_create), SCMP_SYS(memfd_secret)});
}

void refuse_settings(Filter& filter) {
  filter.add_all(SCMP_ACT_ERRNO(EPERM),
                 {SCMP_SYS(prctl), SCMP_SYS(setrlimit), SCMP_SYS(sched_setaffinity), SCMP_SYS(sched_setscheduler),
                  SCMP_SYS(setpriority), SCMP_SYS(mbind), SCMP_SYS(set_mempolicy), SCMP_SYS(get_mempolicy)});
}

void kill_for(Filter& filter) {
  const auto kill = [&filter](std::initializer_list<int> calls) { filter.add_all(SCMP_ACT_KILL_PROCESS, calls); };
  kill({SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork)});
  kill({SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept),
        SCMP_SYS(accept4)});
  kill({SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(process_madvise),
        SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp)});
  kill({SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), SCMP_SYS(bpf),
        SCMP_SYS(userfaultfd), SCMP_SYS(perf_event_open), SCMP_SYS(personality), SCMP_SYS(modify_ldt)});
  kill({SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen),
        SCMP_SYS(fsmount), SCMP_SYS(mount_setattr), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(unshare),
        SCMP_SYS(setns)});
  kill({SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(shmget), SCMP_SYS(shmat), SCMP_SYS(msgget),
        SCMP_SYS(semget)});
  kill({SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load),
        SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(iopl), SCMP_SYS(ioperm)});
}

#ifdef __SANITIZE_ADDRESS__
/// The undefined-behaviour sanitizer writes an object to a pipe to find out whether it can be read; without the pipe it
/// takes every object for a bad one.
void allow_sanitizers(Filter& filter) { filter.add_all(SCMP_ACT_ALLOW, {SCMP_SYS(pipe), SCMP_SYS(pipe2)}); }
#else
void allow_sanitizers(Filter&) {}
#endif

}  // namespace

void filter_calls(std::size_t slots, int channel_fd) {
  Filter filter;
  allow_memory(filter);
  allow_descriptors(filter, channel_fd);
  allow_time_and_waiting(filter);
  allow_questions(filter);
  allow_threads(filter, slots);
  allow_signals(filter);
  refuse_names(filter);
  refuse_settings(filter);
  kill_for(filter);
  allow_sanitizers(filter);
  filter.load();
}

// By hand: libseccomp's own questions to the kernel are not allowed any more. The first filter has seen to the
// architecture, and to every clone that makes no thread.
void refuse_more_threads() {
  std::array program = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
  };
  const sock_fprog filter{program.size(), program.data()};
  // A positive answer would be the number of a thread that could not take the filter.
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) != 0)
    throw_errno("seccomp(SECCOMP_SET_MODE_FILTER) for all threads");
}

}  // namespace tessera::workers
