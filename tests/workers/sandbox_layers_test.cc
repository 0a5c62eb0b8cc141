// Each layer of the sandbox alone, the other left out; and what happens where a layer is missing.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "tests/workers/support.h"
#include "workers/call_filter.h"
#include "workers/kernel_features.h"
#include "workers/landlock.h"
#include "workers/sandbox_support.h"

namespace tessera::workers {
namespace {

using testing::make_job;
using testing::NothingLeft;

/// What a test would make if nothing held it; gone after a failure, too.
class Forbidden {
 public:
  Forbidden() : path_("/tmp/tessera-sandbox-test-" + std::to_string(::getpid())) {}
  ~Forbidden() { std::filesystem::remove(path_); }
  Forbidden(const Forbidden&) = delete;
  Forbidden& operator=(const Forbidden&) = delete;
  const char* path() const { return path_.c_str(); }

 private:
  std::string path_;
};

/// The exit code of `body` in a forked child with no-new-privs.
template <typename Body>
int in_child(const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::_exit(body());
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool is_refused(int result) { return result < 0 && errno == EACCES; }

bool files_are_out_of_reach(const Forbidden& forbidden) {
  return is_refused(::open("/etc/passwd", O_RDONLY)) && is_refused(::open("/dev/null", O_RDWR)) &&
         is_refused(::open("/tmp", O_TMPFILE | O_RDWR, 0600)) && is_refused(::open("/", O_RDONLY | O_DIRECTORY)) &&
         is_refused(::open("/proc/self/status", O_RDONLY)) &&
         is_refused(::open(forbidden.path(), O_CREAT | O_RDWR, 0600));
}

TEST_CASE("Landlock alone keeps every file out of reach", "[workers]") {
  const Forbidden forbidden;
  if (landlock_abi() == 0) {
    WARN("this kernel has no Landlock");
    return;
  }
  CHECK(in_child([&] {
          if (::open("/etc/passwd", O_RDONLY) < 0) return 1;
          enter_landlock(landlock_abi());
          return files_are_out_of_reach(forbidden) ? 0 : 2;
        }) == 0);
}

TEST_CASE("Landlock of every version that the kernel can speak can be entered", "[workers]") {
  const Forbidden forbidden;
  for (int abi = 1; abi <= landlock_abi(); ++abi) {
    INFO("version " << abi);
    CHECK(in_child([&] {
            enter_landlock(abi);
            return files_are_out_of_reach(forbidden) ? 0 : 2;
          }) == 0);
  }
}

TEST_CASE("Landlock alone refuses names, links and, where it can, TCP and signals", "[workers]") {
  const Forbidden forbidden;
  const int abi = landlock_abi();
  if (abi == 0) {
    WARN("this kernel has no Landlock");
    return;
  }
  const int parent = ::getpid();
  CHECK(in_child([&] {
          enter_landlock(abi);
          if (!is_refused(::mkdir(forbidden.path(), 0700)) || !is_refused(::symlink("/", forbidden.path()))) return 1;
          if (abi >= 4) {
            const Fd tcp(::socket(AF_INET, SOCK_STREAM, 0));
            sockaddr any{};
            any.sa_family = AF_INET;
            if (!is_refused(::bind(tcp.get(), &any, sizeof any))) return 2;
          }
          if (abi >= 6 && (::kill(parent, 0) == 0 || errno != EPERM)) return 3;
          return ::kill(::getpid(), 0) == 0 ? 0 : 4;
        }) == 0);
}

TEST_CASE("the system-call filter alone keeps every file out of reach", "[workers]") {
  const Forbidden forbidden;
  CHECK(in_child([&] {
          if (::open("/etc/passwd", O_RDONLY) < 0) return 1;
          filter_calls(1, 3);
          return files_are_out_of_reach(forbidden) ? 0 : 2;
        }) == 0);
}

TEST_CASE("asking what the kernel offers changes nothing", "[workers]") {
  const NothingLeft check;
  const SandboxSupport support = probe_sandbox();
  CHECK(support.degraded().size() == (support.seccomp ? 0U : 1U) + (support.landlock_abi > 0 ? 0U : 1U));
  CHECK(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  CHECK(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
  CHECK(::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0);
}

TEST_CASE("each version of Landlock says what it leaves to the filter", "[workers]") {
  CHECK(SandboxSupport{true, 6}.left_to_seccomp().empty());
  CHECK(SandboxSupport{true, 5}.left_to_seccomp() == "signals and abstract sockets");
  CHECK(SandboxSupport{true, 2}.left_to_seccomp() == "truncation, TCP, device ioctls, signals and abstract sockets");
}

#ifdef TESSERA_FAULTS
/// Pretends, as long as it lives, that the kernel lacks something.
class Lacking {
 public:
  explicit Lacking(const char* what) { ::setenv("TESSERA_FAULT_LACKS", what, 1); }
  ~Lacking() { ::unsetenv("TESSERA_FAULT_LACKS"); }
  Lacking(const Lacking&) = delete;
  Lacking& operator=(const Lacking&) = delete;
};

ExecutorOptions with(Sandbox sandbox) {
  ExecutorOptions options = testing::processes(1);
  options.sandbox = sandbox;
  return options;
}

long open_in_worker(Sandbox sandbox) {
  const Run run = [](JobContext&, Completion& completion) {
    const int fd = ::open("/etc/passwd", O_RDONLY);
    testing::put<std::int64_t>(completion, 0, fd < 0 ? errno : 0);
  };
  Workforce force = make_workforce(with(sandbox), testing::kBudget, run);
  return testing::answer<std::int64_t>(testing::run_one(*force.executor, 1, make_job(1, {})));
}

TEST_CASE("where a layer is missing, the other one still holds", "[workers]") {
  const NothingLeft check;
  for (const char* const missing : {"landlock", "seccomp"}) {
    INFO(missing);
    const Lacking lacking(missing);
    CHECK(probe_sandbox().degraded().size() == 1);
    CHECK(open_in_worker(Sandbox::automatic) == EACCES);
  }
  const Lacking both("landlock,seccomp");
  CHECK(probe_sandbox().degraded().size() == 2);
  CHECK(open_in_worker(Sandbox::automatic) == 0);
}

TEST_CASE("a sandbox that is off shuts nobody in", "[workers]") { CHECK(open_in_worker(Sandbox::off) == 0); }

TEST_CASE("where a layer is missing that is required, nothing is started", "[workers]") {
  const NothingLeft check;
  for (const char* const missing : {"landlock", "seccomp"}) {
    INFO(missing);
    const Lacking lacking(missing);
    CHECK_THROWS_WITH(testing::make_test_workforce(with(Sandbox::require)),
                      Catch::Contains("is missing") && Catch::Contains("--sandbox=auto"));
  }
}

TEST_CASE("without process descriptors there are no workers, and a sentence says so", "[workers]") {
  const NothingLeft check;
  const Lacking lacking("tmpfile,pidfd");
  CHECK_THROWS_WITH(testing::make_test_workforce(with(Sandbox::off)), Catch::Contains("pidfd"));
  CHECK_NOTHROW(testing::make_test_workforce({ExecutorOptions::Mode::threads, 1, 2}));
}
#endif

}  // namespace
}  // namespace tessera::workers
