// What the system-call filter refuses, tried in a real worker.
#include "workers/sandbox.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <thread>

#include "tests/workers/support.h"
#include "workers/executor.h"

namespace tessera::workers {
namespace {

using testing::answer;
using testing::make_job;
using testing::NothingLeft;
using testing::Order;

/// Runs lambdas of the test in a worker: payload word 1 is an index.
using Probe = long (*)();
long error_of(long result) { return result < 0 ? errno : 0; }

Run run_probes(std::vector<Probe> probes) {
  return [probes = std::move(probes)](JobContext& context, Completion& completion) {
    Order order;
    std::memcpy(&order, context.job().payload.data(), sizeof(order));
    testing::put<std::int64_t>(completion, 0, probes.at(order.a)());
  };
}

struct Refused {
  const char* name;
  Probe probe;
  long error;
};

const Refused kRefused[] = {
    {"open", [] { return error_of(::syscall(SYS_open, "/etc/passwd", O_RDONLY)); }, EACCES},
    {"openat", [] { return error_of(::open("/dev/null", O_RDONLY)); }, EACCES},
    {"openat2", [] { return error_of(::syscall(SYS_openat2, AT_FDCWD, "/", nullptr, 0)); }, EACCES},
    {"creat", [] { return error_of(::syscall(SYS_creat, "/tmp/x", 0600)); }, EACCES},
    {"open_by_handle_at", [] { return error_of(::syscall(SYS_open_by_handle_at, 3, nullptr, 0)); }, EACCES},
    {"memfd_create", [] { return error_of(::memfd_create("x", 0)); }, EACCES},
    {"socket", [] { return error_of(::socket(AF_INET, SOCK_STREAM, 0)); }, EPERM},
    {"connect", [] { return error_of(::syscall(SYS_connect, 3, nullptr, 0)); }, EPERM},
    {"execve", [] { return error_of(::execl("/bin/true", "true", nullptr)); }, EPERM},
    {"execveat", [] { return error_of(::syscall(SYS_execveat, 3, "", nullptr, nullptr, 0)); }, EPERM},
    {"kill", [] { return error_of(::kill(::getppid(), SIGUSR1)); }, EPERM},
    {"pidfd_open", [] { return error_of(::syscall(SYS_pidfd_open, ::getppid(), 0)); }, EPERM},
};

TEST_CASE("a worker is refused files, sockets, programs and other processes", "[workers]") {
  const NothingLeft check;
  std::vector<Probe> probes;
  for (const Refused& refused : kRefused) probes.push_back(refused.probe);
  Workforce force = make_workforce(testing::processes(1), testing::kBudget, run_probes(probes));
  for (std::size_t i = 0; i < probes.size(); ++i) {
    INFO(kRefused[i].name);
    const Completion completion = testing::run_one(*force.executor, 1, make_job(i + 1, {testing::Op::nothing, i}));
    CHECK(completion.outcome == Outcome::done);
    CHECK(answer<std::int64_t>(completion) == kRefused[i].error);
  }
}

TEST_CASE("a worker that reaches for what no library needs is killed", "[workers]") {
  const NothingLeft check;
  const std::vector<Probe> probes = {
      [] { return ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr); },
      [] { return ::syscall(SYS_process_vm_readv, ::getppid(), nullptr, 0, nullptr, 0, 0); },
      [] { return ::syscall(SYS_process_vm_writev, ::getppid(), nullptr, 0, nullptr, 0, 0); },
      [] { return ::syscall(SYS_pidfd_getfd, 3, 3, 0); },
      [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); },
      [] { return ::syscall(SYS_bpf, 0, nullptr, 0); },
      [] { return ::syscall(SYS_mount, "none", "/", "tmpfs", 0, nullptr); },
      [] { return ::syscall(SYS_userfaultfd, 0); },
  };
  Workforce force = make_workforce(testing::processes(1), testing::kBudget, run_probes(probes));
  std::vector<Event> events;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    INFO("probe " << i);
    REQUIRE(testing::wait_for_idle(*force.executor, 1, events));
    const Completion completion = testing::run_one(*force.executor, 1, make_job(i + 1, {testing::Op::nothing, i}));
    CHECK(completion.outcome == Outcome::crashed);
    CHECK(completion.signal == SIGSYS);
  }
}

TEST_CASE("a worker holds stdin, stdout, stderr and its channel, and nothing else", "[workers]") {
  const std::vector<Probe> probes = {
      [] {
        long open = 0;
        for (int fd = 0; fd < 1024; ++fd) open += ::fcntl(fd, F_GETFD) >= 0 ? 1L << std::min(fd, 60) : 0;
        return open;
      },
      [] {
        char byte = 0;
        return static_cast<long>(::read(0, &byte, 1) * 10 + ::write(1, "x", 1));
      },
      [] { return static_cast<long>(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); },
      [] {
        rlimit core{};
        ::getrlimit(RLIMIT_CORE, &core);
        return static_cast<long>(core.rlim_max);
      },
      [] {
        long bits = 0;
        for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGUSR1, SIGPIPE}) {
          struct sigaction action {};
          ::sigaction(number, nullptr, &action);
          bits = bits * 2 + (action.sa_handler == SIG_IGN ? 1 : 0);
        }
        return bits;
      },
      [] {
        sigset_t blocked;
        ::sigprocmask(SIG_SETMASK, nullptr, &blocked);
        return static_cast<long>(::sigismember(&blocked, SIGUSR1));
      },
      [] {
        int signal = 0;
        ::prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0);
        return static_cast<long>(signal);
      },
  };
  const std::array<std::int64_t, 7> expected = {0b1111, 1, 1, 0, 0b1111000, 0, SIGKILL};
  Workforce force = make_workforce(testing::processes(3), testing::kBudget, run_probes(probes));
  for (std::size_t i = 0; i < probes.size(); ++i) {
    INFO("probe " << i);
    const Completion completion = testing::run_one(*force.executor, 3, make_job(i + 1, {testing::Op::nothing, i}));
    CHECK(answer<std::int64_t>(completion) == expected[i]);
  }
}

TEST_CASE("threads and memory still work inside", "[workers]") {
  const std::vector<Probe> probes = {
      [] {
        long sum = 0;
        std::thread([&sum] { sum = 42; }).join();
        return sum;
      },
      [] {
        std::vector<char> large(64 << 20, 'x');
        return static_cast<long>(large[large.size() - 1]);
      },
  };
  Workforce force = make_workforce(testing::processes(1, 2), testing::kBudget, run_probes(probes));
  CHECK(answer<std::int64_t>(testing::run_one(*force.executor, 1, make_job(1, {testing::Op::nothing, 0}))) == 42);
  CHECK(answer<std::int64_t>(testing::run_one(*force.executor, 1, make_job(2, {testing::Op::nothing, 1}))) == 'x');
}

}  // namespace
}  // namespace tessera::workers
