// What a real worker may and may not do, one system call at a time, under the policy that workers run with.
#include "workers/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/workers/support.h"
#include "workers/executor.h"

namespace tessera::workers {
namespace {

using testing::answer;
using testing::make_job;
using testing::NothingLeft;
using testing::Order;

/// Runs a lambda of the test in a worker: payload word 1 is its index.
using Probe = long (*)();
constexpr long kAllowed = 0;
long error_of(long result) { return result < 0 ? errno : kAllowed; }
template <typename... Arguments>
long error_of_call(long number, Arguments... arguments) {
  return error_of(::syscall(number, arguments...));
}

struct Try {
  const char* name;
  Probe probe;
  long error = 0;
};

Run run_probes(std::span<const Try> tries) {
  return [tries](JobContext& context, Completion& completion) {
    Order order;
    std::memcpy(&order, context.job().payload.data(), sizeof(order));
    testing::put<std::int64_t>(completion, 0, tries[order.a].probe());
  };
}

Job probe_job(std::size_t index) { return make_job(index + 1, {testing::Op::nothing, index}); }

/// Each answer is the error that is expected, and nobody dies.
void expect_errors(std::span<const Try> tries, int threads) {
  const NothingLeft check;
  ExecutorOptions options = testing::processes(1, threads);
  options.worker_bytes = 1 << 30;
  Workforce force = make_workforce(options, testing::kBudget, run_probes(tries));
  for (std::size_t i = 0; i < tries.size(); ++i) {
    INFO(tries[i].name << ", " << threads << " threads");
    const Completion completion = testing::run_one(*force.executor, 1, probe_job(i));
    REQUIRE(completion.outcome == Outcome::done);
    CHECK(answer<std::int64_t>(completion) == tries[i].error);
  }
  CHECK(force.executor->traffic().deaths == 0);
}

/// Each is the death of its worker by the filter; the neighbour never notices, and a fresh worker takes the place.
void expect_deaths(std::span<const Try> tries) {
  const NothingLeft check;
  Workforce force = make_workforce(testing::processes(2), testing::kBudget, run_probes(tries));
  std::vector<Event> events;
  for (std::size_t i = 0; i < tries.size(); ++i) {
    INFO(tries[i].name);
    REQUIRE(testing::wait_for_idle(*force.executor, 2, events));
    const Completion completion = testing::run_one(*force.executor, 1, probe_job(i));
    CHECK(completion.outcome == Outcome::crashed);
    CHECK(completion.signal == SIGSYS);
  }
  CHECK(force.executor->traffic().deaths == tries.size());
}

const char* const kFile = "/etc/passwd";

const Try kNames[] = {
    {"open", [] { return error_of_call(SYS_open, kFile, O_RDONLY); }, EACCES},
    {"openat", [] { return error_of(::open("/dev/null", O_RDONLY)); }, EACCES},
    {"openat of a path descriptor", [] { return error_of(::open("/", O_PATH)); }, EACCES},
    {"openat2", [] { return error_of_call(SYS_openat2, AT_FDCWD, "/", nullptr, 0); }, EACCES},
    {"creat", [] { return error_of_call(SYS_creat, "/tmp/x", 0600); }, EACCES},
    {"open_by_handle_at", [] { return error_of_call(SYS_open_by_handle_at, 3, nullptr, 0); }, EACCES},
    {"name_to_handle_at", [] { return error_of_call(SYS_name_to_handle_at, 3, "", nullptr, nullptr, 0); }, EACCES},
    {"access", [] { return error_of_call(SYS_access, kFile, F_OK); }, EACCES},
    {"faccessat", [] { return error_of_call(SYS_faccessat, AT_FDCWD, kFile, F_OK); }, EACCES},
    {"faccessat2", [] { return error_of_call(SYS_faccessat2, AT_FDCWD, kFile, F_OK, 0); }, EACCES},
    {"stat", [] { return error_of_call(SYS_stat, kFile, nullptr); }, EACCES},
    {"lstat", [] { return error_of_call(SYS_lstat, kFile, nullptr); }, EACCES},
    {"newfstatat", [] { return error_of_call(SYS_newfstatat, AT_FDCWD, kFile, nullptr, 0); }, EACCES},
    {"newfstatat that pretends to look at a descriptor",
     [] {
       struct stat status {};
       return error_of_call(SYS_newfstatat, AT_FDCWD, kFile, &status, AT_EMPTY_PATH);
     },
     EACCES},
    {"statx", [] { return error_of_call(SYS_statx, AT_FDCWD, kFile, 0, 0, nullptr); }, EACCES},
    {"statfs", [] { return error_of_call(SYS_statfs, "/", nullptr); }, EACCES},
    {"readlink", [] { return error_of_call(SYS_readlink, "/proc/self/exe", nullptr, 0); }, EACCES},
    {"readlinkat", [] { return error_of_call(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", nullptr, 0); }, EACCES},
    {"getcwd", [] { return error_of_call(SYS_getcwd, nullptr, 0); }, EACCES},
    {"reopening the channel through /proc", [] { return error_of(::open("/proc/self/fd/3", O_RDWR)); }, EACCES},
    {"the coordinator's memory through /proc", [] { return error_of(::open("/proc/1/mem", O_RDWR)); }, EACCES},
    {"memfd_create", [] { return error_of(::memfd_create("x", 0)); }, EACCES},
    {"memfd_secret", [] { return error_of_call(SYS_memfd_secret, 0); }, EACCES},
};

TEST_CASE("a worker cannot open, create or look at anything by name", "[workers]") {
  expect_errors(kNames, 1);
  expect_errors(kNames, 2);
}

void* map(int protection) { return ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

const Try kExecutable[] = {
    {"mmap", [] { return map(PROT_READ | PROT_EXEC) == MAP_FAILED ? long{errno} : kAllowed; }, EACCES},
    {"mmap, writable as well",
     [] { return map(PROT_READ | PROT_WRITE | PROT_EXEC) == MAP_FAILED ? long{errno} : kAllowed; }, EACCES},
    {"mprotect", [] { return error_of(::mprotect(map(PROT_READ | PROT_WRITE), 4096, PROT_READ | PROT_EXEC)); }, EACCES},
    {"mprotect with bits that the kernel ignores",
     [] { return error_of_call(SYS_mprotect, map(PROT_READ), 4096, 0xFFFF'0000'0000'0004UL); }, EACCES},
};

TEST_CASE("a worker can have no executable memory", "[workers]") { expect_errors(kExecutable, 1); }

// Signal 0 throughout: should a rule be lost one day, nobody is hurt.
const Try kOthers[] = {
    {"kill the parent", [] { return error_of(::kill(::getppid(), 0)); }, EPERM},
    {"kill everybody", [] { return error_of(::kill(-1, 0)); }, EPERM},
    {"kill the own group", [] { return error_of(::kill(0, 0)); }, EPERM},
    {"tgkill of the parent", [] { return error_of_call(SYS_tgkill, ::getppid(), ::getppid(), 0); }, EPERM},
    {"tkill of the parent", [] { return error_of_call(SYS_tkill, ::getppid(), 0); }, EPERM},
    {"rt_sigqueueinfo", [] { return error_of_call(SYS_rt_sigqueueinfo, ::getppid(), 0, nullptr); }, EPERM},
    {"pidfd_open", [] { return error_of_call(SYS_pidfd_open, ::getppid(), 0); }, EPERM},
    {"pidfd_send_signal", [] { return error_of_call(SYS_pidfd_send_signal, 3, 0, nullptr, 0); }, EPERM},
    {"setrlimit",
     [] {
       const rlimit limit{1, 1};
       return error_of_call(SYS_setrlimit, RLIMIT_NOFILE, &limit);
     },
     EPERM},
    {"prlimit64 of itself",
     [] {
       const rlimit limit{1, 1};
       return error_of(::setrlimit(RLIMIT_NOFILE, &limit));
     },
     EPERM},
    {"prlimit64 of the parent",
     [] {
       const rlimit limit{1, 1};
       return error_of_call(SYS_prlimit64, ::getppid(), RLIMIT_NOFILE, &limit, nullptr);
     },
     EPERM},
    {"prctl", [] { return error_of_call(SYS_prctl, 1, 0, 0, 0, 0); }, EPERM},
    {"setpriority", [] { return error_of(::setpriority(PRIO_PROCESS, 0, 19)); }, EPERM},
    {"a second descriptor", [] { return error_of(::fcntl(2, F_DUPFD, 0)); }, EPERM},
    {"another owner of a descriptor's signals", [] { return error_of(::fcntl(3, F_SETOWN, ::getppid())); }, EPERM},
    {"a descriptor that blocks or not", [] { return error_of(::fcntl(3, F_SETFL, O_NONBLOCK)); }, EPERM},
    {"ioctl", [] { return error_of(::ioctl(2, FIONREAD, nullptr)); }, ENOTTY},
    {"clone3", [] { return error_of_call(SYS_clone3, nullptr, 0); }, ENOSYS},
};

TEST_CASE("a worker can touch no other process and none of its own limits", "[workers]") {
  expect_errors(kOthers, 1);
  expect_errors(kOthers, 2);
}

TEST_CASE("a worker can signal neither its parent nor a sibling", "[workers]") {
  const NothingLeft check;
  const Run shoot = [](JobContext& context, Completion& completion) {
    Order order;
    std::memcpy(&order, context.job().payload.data(), sizeof(order));
    const long error = order.a == 0 ? 0 : error_of(::kill(static_cast<pid_t>(order.a), 0));
    testing::put<std::uint64_t>(completion, 0, error == 0 ? static_cast<std::uint64_t>(::getpid()) : 0);
    testing::put<std::uint64_t>(completion, 1, static_cast<std::uint64_t>(error));
  };
  Workforce force = make_workforce(testing::processes(2), testing::kBudget, shoot);
  const auto sibling = answer(testing::run_one(*force.executor, 1, make_job(1, {})));
  for (const std::uint64_t victim : {sibling, static_cast<std::uint64_t>(::getpid())}) {
    const Completion completion =
        testing::run_one(*force.executor, 2, make_job(victim + 2, {testing::Op::nothing, victim}));
    CHECK(answer(completion, 1) == EPERM);
  }
  CHECK(force.executor->traffic().deaths == 0);
}

long start_thread() {
  try {
    std::thread([] {}).join();
    return kAllowed;
  } catch (const std::system_error& error) {
    return error.code().value();
  }
}

const Try kThreads[] = {
    {"a thread", start_thread, EPERM},
    {"a bomb of threads",
     [] {
       for (int i = 0; i < 1000; ++i)
         if (start_thread() == kAllowed) return kAllowed;
       return long{EPERM};
     },
     EPERM},
};

TEST_CASE("no job can start a thread, in a worker of one slot and in a hybrid one", "[workers]") {
  expect_errors(kThreads, 1);
  expect_errors(kThreads, 3);
}

const Try kFatal[] = {
    {"fork", [] { return error_of(::fork()); }},
    {"fork by its own call", [] { return error_of_call(SYS_fork); }},
    {"vfork", [] { return error_of_call(SYS_vfork); }},
    {"clone of a process", [] { return error_of_call(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr); }},
    {"clone of a process that shares memory",
     [] { return error_of_call(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, nullptr, nullptr, nullptr, nullptr); }},
    {"clone into a namespace",
     [] { return error_of_call(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr); }},
    {"execve", [] { return error_of(::execl("/bin/true", "true", nullptr)); }},
    {"execveat", [] { return error_of_call(SYS_execveat, 3, "", nullptr, nullptr, AT_EMPTY_PATH); }},
    {"socket", [] { return error_of(::socket(AF_INET, SOCK_STREAM, 0)); }},
    {"socketpair",
     [] {
       int ends[2];
       return error_of(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
     }},
    {"connect", [] { return error_of_call(SYS_connect, 3, nullptr, 0); }},
    {"bind", [] { return error_of_call(SYS_bind, 3, nullptr, 0); }},
    {"accept4", [] { return error_of_call(SYS_accept4, 3, nullptr, nullptr, 0); }},
    {"ptrace", [] { return ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr); }},
    {"process_vm_readv", [] { return error_of_call(SYS_process_vm_readv, ::getppid(), nullptr, 0, nullptr, 0, 0); }},
    {"process_vm_writev", [] { return error_of_call(SYS_process_vm_writev, ::getppid(), nullptr, 0, nullptr, 0, 0); }},
    {"process_madvise", [] { return error_of_call(SYS_process_madvise, 3, nullptr, 0, 0, 0); }},
    {"pidfd_getfd", [] { return error_of_call(SYS_pidfd_getfd, 3, 3, 0); }},
    {"kcmp", [] { return error_of_call(SYS_kcmp, ::getppid(), ::getppid(), 0, 0, 0); }},
    {"io_uring_setup", [] { return error_of_call(SYS_io_uring_setup, 1, nullptr); }},
    {"io_uring_enter", [] { return error_of_call(SYS_io_uring_enter, 3, 0, 0, 0, nullptr, 0); }},
    {"io_uring_register", [] { return error_of_call(SYS_io_uring_register, 3, 0, nullptr, 0); }},
    {"bpf", [] { return error_of_call(SYS_bpf, 0, nullptr, 0); }},
    {"userfaultfd", [] { return error_of_call(SYS_userfaultfd, 0); }},
    {"perf_event_open", [] { return error_of_call(SYS_perf_event_open, nullptr, 0, -1, -1, 0); }},
    {"personality", [] { return error_of_call(SYS_personality, 0x0400000); }},
    {"modify_ldt", [] { return error_of_call(SYS_modify_ldt, 0, nullptr, 0); }},
    {"mount", [] { return error_of_call(SYS_mount, "none", "/", "tmpfs", 0, nullptr); }},
    {"umount2", [] { return error_of_call(SYS_umount2, "/", 0); }},
    {"move_mount", [] { return error_of_call(SYS_move_mount, 3, "", 3, "", 0); }},
    {"open_tree", [] { return error_of_call(SYS_open_tree, AT_FDCWD, "/", 0); }},
    {"fsopen", [] { return error_of_call(SYS_fsopen, "tmpfs", 0); }},
    {"pivot_root", [] { return error_of_call(SYS_pivot_root, "/", "/"); }},
    {"chroot", [] { return error_of(::chroot("/")); }},
    {"unshare", [] { return error_of(::unshare(CLONE_NEWUSER)); }},
    {"setns", [] { return error_of(::setns(3, 0)); }},
    {"keyctl", [] { return error_of_call(SYS_keyctl, 0, 0, 0, 0, 0); }},
    {"add_key", [] { return error_of_call(SYS_add_key, nullptr, nullptr, nullptr, 0, 0); }},
    {"request_key", [] { return error_of_call(SYS_request_key, nullptr, nullptr, nullptr, 0); }},
    {"shmget", [] { return error_of_call(SYS_shmget, 0, 4096, 0600); }},
    {"shmat, to execute", [] { return error_of_call(SYS_shmat, 0, nullptr, 0100000); }},
    {"init_module", [] { return error_of_call(SYS_init_module, nullptr, 0, ""); }},
    {"kexec_load", [] { return error_of_call(SYS_kexec_load, 0, 0, nullptr, 0); }},
    {"iopl", [] { return error_of_call(SYS_iopl, 3); }},
    {"x32", [] { return error_of_call(0x4000'0000 | SYS_getpid); }},
#ifdef __x86_64__
    {"the 32-bit system calls",
     [] {
       long result = 20;  // getpid there
       asm volatile("int $0x80" : "+a"(result) : : "memory", "cc");
       return result;
     }},
#endif
};

TEST_CASE("what no library needs kills the worker that asks for it, and that worker alone", "[workers]") {
  expect_deaths(kFatal);
}

const Try kUnknown[] = {
    {"a further filter, in a worker of one slot", [] { return error_of_call(SYS_seccomp, 1, 1, nullptr); }, EPERM},
    {"what the list does not know", [] { return error_of_call(SYS_epoll_create1, 0); }, EPERM},
    {"unlink", [] { return error_of(::unlink("/nothing")); }, EPERM},
    {"messages by another descriptor than the channel", [] { return error_of_call(SYS_sendmsg, 2, nullptr, 0); },
     EPERM},
};

#ifndef TESSERA_STRICT_SANDBOX
TEST_CASE("what the list does not know is refused outside of tests", "[workers]") { expect_errors(kUnknown, 1); }
#else
TEST_CASE("what the list does not know is fatal in tests", "[workers]") { expect_deaths(kUnknown); }
#endif

long use_memory(std::size_t bytes) {
  std::vector<char> memory(bytes, 'x');
  return memory[bytes - 1] == 'x' ? kAllowed : 1;
}

const Try kNeeded[] = {
    {"1 KB", [] { return use_memory(1 << 10); }},
    {"1 MB", [] { return use_memory(1 << 20); }},
    {"64 MB", [] { return use_memory(64 << 20); }},
    {"512 MB", [] { return use_memory(512 << 20); }},
    {"growing memory",
     [] {
       std::string text;
       for (int i = 0; i < 1 << 22; ++i) text.push_back(static_cast<char>(i));
       return text.size() == 1 << 22 ? kAllowed : 1;
     }},
    {"an exception",
     [] {
       try {
         throw std::runtime_error("x");
       } catch (const std::exception&) {
         return kAllowed;
       }
     }},
    {"clocks",
     [] {
       timespec now{};
       for (const clockid_t clock :
            {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_THREAD_CPUTIME_ID, CLOCK_PROCESS_CPUTIME_ID})
         if (::syscall(SYS_clock_gettime, clock, &now) != 0) return long{errno};
       return kAllowed;
     }},
    {"sleep", [] { return std::this_thread::sleep_for(std::chrono::milliseconds(1)), kAllowed; }},
    {"random bytes",
     [] {
       char bytes[16];
       return error_of(::syscall(SYS_getrandom, bytes, sizeof bytes, 0));
     }},
    {"its own limits",
     [] {
       rlimit limit{};
       return error_of(::getrlimit(RLIMIT_STACK, &limit));
     }},
    {"its CPUs",
     [] {
       cpu_set_t set;
       return error_of(::sched_getaffinity(0, sizeof set, &set));
     }},
    {"raise", [] { return error_of(::raise(SIGURG)); }},  // ignored by default
    {"stderr", [] { return std::fputs("", stderr) < 0 || std::fflush(stderr) != 0 ? 1L : kAllowed; }},
    {"isatty", [] { return ::isatty(1) == 0 ? kAllowed : 1L; }},
};

TEST_CASE("what jobs need works inside", "[workers]") {
  expect_errors(kNeeded, 1);
  expect_errors(kNeeded, 3);
}

TEST_CASE("jobs read, write and sync the descriptors that they are given", "[workers]") {
  const NothingLeft check;
  const Run use_file = [](JobContext& context, Completion& completion) {
    const int fd = context.fd(0);
    char text[] = "abcdef";
    const iovec parts[] = {{text, 3}, {text + 3, 3}};
    struct stat status {};
    char back[7] = {};
    const bool good = ::pwrite(fd, text, 6, 6) == 6 && ::writev(fd, parts, 2) == 6 && ::lseek(fd, 0, SEEK_SET) == 0 &&
                      ::read(fd, back, 6) == 6 && std::string(back) == text && ::pread(fd, back, 6, 6) == 6 &&
                      std::string(back) == text && ::fsync(fd) == 0 && ::fdatasync(fd) == 0 &&
                      ::syscall(SYS_fstat, fd, &status) == 0 && status.st_size == 12;
    testing::put<std::int64_t>(completion, 0, good ? 1 : -errno);
  };
  Workforce force = make_workforce(testing::processes(1), testing::kBudget, use_file);
  const Fd file = checked_fd(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), "open");
  const std::array fds{file.get()};
  CHECK(answer<std::int64_t>(testing::run_one(*force.executor, 1, make_job(1, {}), fds)) == 1);
}

/// "CapEff" -> "0000000000000000", of /proc/PID/status.
std::string status_line(std::uint64_t pid, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name + ":")) return line.substr(line.find_first_not_of(" \t", name.size() + 1));
  return "";
}

std::string limit_line(std::uint64_t pid, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/limits");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name)) {
      std::istringstream words(line.substr(name.size()));
      std::string soft, hard;
      words >> soft >> hard;
      return soft + " " + hard;
    }
  return "";
}

std::uint64_t signal_set(std::initializer_list<int> signals) {
  std::uint64_t set = 0;
  for (const int signal : signals) set |= std::uint64_t{1} << (signal - 1);
  return set;
}

TEST_CASE("a worker has no privileges, no core dumps, few descriptors and default signals", "[workers]") {
  for (const Sandbox sandbox : {Sandbox::require, Sandbox::off}) {
    INFO("sandbox " << static_cast<int>(sandbox));
    ExecutorOptions options = testing::processes(3);
    options.sandbox = sandbox;
    Workforce force = testing::make_test_workforce(options);
    const auto pid = answer(testing::run_one(*force.executor, 3, make_job(1, {testing::Op::pid})));
    CHECK(answer(testing::run_one(*force.executor, 3, make_job(2, {testing::Op::descriptors}))) == 4);
    for (const char* const set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
      CHECK(status_line(pid, set) == "0000000000000000");
    CHECK(status_line(pid, "NoNewPrivs") == "1");
    CHECK(status_line(pid, "Seccomp") == (sandbox == Sandbox::off ? "0" : "2"));
    CHECK(limit_line(pid, "Max core file size") == "0 0");
    CHECK(limit_line(pid, "Max open files") == "72 72");
    CHECK(std::stoull(status_line(pid, "SigIgn"), nullptr, 16) == signal_set({SIGINT, SIGTERM, SIGHUP, SIGQUIT}));
    CHECK(std::stoull(status_line(pid, "SigBlk"), nullptr, 16) == 0);
    // Above are those that glibc keeps for itself once a program has had threads.
    CHECK(std::stoull(status_line(pid, "SigCgt"), nullptr, 16) % signal_set({__SIGRTMIN}) == 0);
  }
}

TEST_CASE("every thread of a hybrid worker is under both filters", "[workers]") {
  Workforce force = testing::make_test_workforce(testing::processes(1, 3));
  const auto pid = answer(testing::run_one(*force.executor, 1, make_job(1, {testing::Op::pid})));
  int threads = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    ++threads;
    CHECK(status_line(std::stoull(task.path().filename().string()), "Seccomp_filters") == "2");
  }
  CHECK(threads >= 4);
}

}  // namespace
}  // namespace tessera::workers
