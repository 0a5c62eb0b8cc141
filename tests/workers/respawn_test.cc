// Workers that are retired, that cannot be started, and that are left alone by a dead coordinator.
#include <seccomp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "tests/workers/support.h"
#include "workers/executor.h"

namespace tessera::workers {
namespace {

using namespace std::chrono_literals;
using testing::answer;
using testing::in_child;
using testing::make_job;
using testing::NothingLeft;
using testing::Op;
using testing::Pipe;

TEST_CASE("a retired worker finishes its jobs, goes, and a fresh one takes its place", "[workers]") {
  const NothingLeft check;
  Workforce force = testing::make_test_workforce(testing::processes(1, 2));
  Executor& executor = *force.executor;
  const auto pid = answer(testing::run_one(executor, 1, make_job(1, {Op::pid, 0})));
  const Pipe pipe = Pipe::make();
  executor.start(1, make_job(2, {Op::wait_fd, 0}), std::array{pipe.read.get()});
  executor.retire(1);
  CHECK(executor.workers()[0].idle_slots == 0);
  std::vector<Event> events;
  REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  CHECK(testing::wait_for(executor, 1, events).front().outcome == Outcome::done);
  CHECK(testing::count_lost(events, 1) == 0);
  REQUIRE(testing::wait_for_idle(executor, 2, events));
  CHECK(testing::count_lost(events, 1) == 1);
  CHECK(force.arena->generation(1) == 2);
  CHECK(answer(testing::run_one(executor, 1, make_job(3, {Op::pid, 0}))) != pid);
}

TEST_CASE("an idle worker is retired at once, and twice is once", "[workers]") {
  const NothingLeft check;
  Workforce force = testing::make_test_workforce(testing::processes(2));
  force.executor->retire(2);
  force.executor->retire(2);
  std::vector<Event> events;
  REQUIRE(testing::wait_for_idle(*force.executor, 2, events));
  CHECK(force.executor->traffic().deaths == 1);
  CHECK(testing::count_lost(events, 2) == 1);
  CHECK(events.size() == 1);
}

TEST_CASE("retiring means nothing where workers are not isolated", "[workers]") {
  Workforce force = testing::make_test_workforce({ExecutorOptions::Mode::threads, 1, 2});
  force.executor->retire(1);
  CHECK(testing::run_one(*force.executor, 1, make_job(1, {Op::nothing, 0})).outcome == Outcome::done);
}

/// As on a kernel that does not have it: no worker can be made safe any more.
bool refuse_close_range() {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  const bool loaded =
      seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(close_range), 0) == 0 && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return loaded;
}

TEST_CASE("workers that cannot even begin are an error, not a loop", "[workers]") {
  const NothingLeft check;
  const int result = in_child([] {
    Workforce force = testing::make_test_workforce(testing::processes(1));
    const auto pid = static_cast<pid_t>(answer(testing::run_one(*force.executor, 1, make_job(1, {Op::pid, 0}))));
    if (!refuse_close_range()) return 1;
    ::kill(pid, SIGKILL);
    std::vector<Event> events;
    try {
      for (int i = 0; i < 20; ++i) force.executor->wait(events, Clock::now() + 20s);
    } catch (const std::runtime_error& error) {
      const std::string text = error.what();
      if (!text.starts_with("3 workers in a row died before they were ready; the last one, of window 1, died with "
                            "exit code 70. It wrote: tessera worker ") ||
          !text.ends_with(": close_range: Function not implemented"))
        return 2;
      return testing::count_lost(events, 1) == 4 ? 0 : 3;  // the one that was ready, and three that never were
    }
    return 4;
  });
  CHECK(result == 0);
}

TEST_CASE("when no process can be made for a while, the others go on and it is tried again", "[workers]") {
  const NothingLeft check;
  const int result = in_child([] {
    Workforce force = testing::make_test_workforce(testing::processes(2));
    // The limit does not bind a privileged user.
    if (::geteuid() == 0 && (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0)) return 2;
    rlimit processes_limit{};
    ::getrlimit(RLIMIT_NPROC, &processes_limit);
    const rlimit none{0, processes_limit.rlim_max};
    ::setrlimit(RLIMIT_NPROC, &none);
    force.executor->retire(1);  // this user may not signal that worker, which is still privileged
    std::vector<Event> events;
    for (int i = 0; i < 3; ++i) force.executor->wait(events, Clock::now() + 150ms);
    if (testing::count_lost(events, 1) != 1) return 3;
    if (force.executor->workers()[0].idle_slots != 0 || force.executor->workers()[1].idle_slots != 1) return 4;
    force.executor->start(2, make_job(2, {Op::nothing, 0}), {});
    while (events.size() < 2) force.executor->wait(events, Clock::now() + 1s);
    if (std::get<Completion>(events.back()).outcome != Outcome::done) return 5;
    ::setrlimit(RLIMIT_NPROC, &processes_limit);
    if (!testing::wait_for_idle(*force.executor, 2, events)) return 6;
    force.executor->retire(2);  // for the same reason: stop() could not kill it
    if (!testing::wait_for_idle(*force.executor, 2, events) || force.executor->traffic().forks != 4) return 7;
    return 0;
  });
  CHECK(result == 0);
}

TEST_CASE("when no descriptor is left for a while, the others go on and it is tried again", "[workers]") {
  const NothingLeft check;
  const int result = in_child([] {
    Workforce force = testing::make_test_workforce(testing::processes(2));
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const Fd last(::dup(0));
    const rlimit few{static_cast<rlim_t>(last.get()) + 1, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    std::vector<Fd> taken;
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken.emplace_back(fd);
    force.executor->retire(1);  // gives three back, which are too few for another
    std::vector<Event> events;
    for (int i = 0; i < 3; ++i) force.executor->wait(events, Clock::now() + 150ms);
    if (testing::count_lost(events, 1) != 1) return 1;
    if (force.executor->workers()[0].idle_slots != 0) return 2;
    force.executor->start(2, make_job(2, {Op::nothing, 0}), {});
    while (events.size() < 2) force.executor->wait(events, Clock::now() + 1s);
    if (std::get<Completion>(events.back()).outcome != Outcome::done) return 3;
    ::setrlimit(RLIMIT_NOFILE, &before);
    return testing::wait_for_idle(*force.executor, 2, events) ? 0 : 4;
  });
  CHECK(result == 0);
}

// The sanitizers map terabytes.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("early deaths count only in a row: a worker that becomes ready ends the count", "[workers]") {
  const NothingLeft check;
  const int result = in_child([] {
    Workforce force = testing::make_test_workforce(testing::processes(1), 4ULL << 30);
    rlimit before{};
    ::getrlimit(RLIMIT_AS, &before);
    const rlimit few{2ULL << 30, before.rlim_max};  // a worker cannot map its window
    for (std::uint64_t id = 1; id <= 3; ++id) {
      const auto pid = static_cast<pid_t>(answer(testing::run_one(*force.executor, 1, make_job(id, {Op::pid, 0}))));
      ::setrlimit(RLIMIT_AS, &few);
      ::kill(pid, SIGKILL);
      std::vector<Event> events;
      while (testing::count_lost(events, 1) < 2) force.executor->wait(events, Clock::now() + 20s);
      ::setrlimit(RLIMIT_AS, &before);  // the one that is dying now is the second
      if (!testing::wait_for_idle(*force.executor, 1, events)) return 1;
      if (testing::count_lost(events, 1) != 3) return 2;
    }
    return force.executor->traffic().deaths == 9 ? 0 : 3;
  });
  CHECK(result == 0);
}
#endif

TEST_CASE("no worker outlives a coordinator that is killed, whatever it is doing", "[workers]") {
  const NothingLeft check;
  const Pipe pids = Pipe::make();
  const pid_t coordinator = ::fork();
  if (coordinator == 0) {
    Workforce force = testing::make_test_workforce(testing::processes(3, 2));
    std::array<std::uint64_t, 3> numbers{};
    for (std::uint32_t window = 1; window <= 3; ++window)
      numbers[window - 1] = answer(testing::run_one(*force.executor, window, make_job(window, {Op::pid, 0})));
    force.executor->start(1, make_job(10, {Op::wait_for_ever, 0}), {});
    force.executor->start(2, make_job(11, {Op::burn, 60'000}), {});
    if (::write(pids.write.get(), numbers.data(), sizeof(numbers)) != sizeof(numbers)) ::_exit(1);
    for (;;) ::pause();
  }
  std::array<std::uint64_t, 3> numbers{};
  REQUIRE(::read(pids.read.get(), numbers.data(), sizeof(numbers)) == sizeof(numbers));
  for (const std::uint64_t pid : numbers) REQUIRE(::kill(static_cast<pid_t>(pid), 0) == 0);
  REQUIRE(::kill(coordinator, SIGKILL) == 0);
  REQUIRE(::waitpid(coordinator, nullptr, 0) == coordinator);
  for (const std::uint64_t pid : numbers) CHECK(testing::disappears(static_cast<int>(pid)));
}

TEST_CASE("a program that was started without standard descriptors gives its workers no window for stderr",
          "[workers]") {
  const int result = in_child([] {
    for (const int fd : {0, 1, 2}) ::close(fd);
    Workforce force = make_workforce(testing::processes(2), testing::kBudget, [](JobContext&, Completion& completion) {
      std::uint64_t devices = 0;
      for (int fd = 0; fd < 1024; ++fd) {
        struct stat status {};
        if (::syscall(SYS_fstat, fd, &status) == 0) devices = devices * 2 + (S_ISCHR(status.st_mode) ? 1 : 0);
      }
      testing::put(completion, 0, devices);
    });
    return answer(testing::run_one(*force.executor, 2, make_job(1, {}))) == 0b1000
               ? 0
               : 1;  // then two pipes and the channel
  });
  CHECK(result == 0);
}

// A worker keeps stderr.
void tell_of_the_handler() { [[maybe_unused]] const auto written = ::write(2, "handler", 7); }

TEST_CASE("a worker runs no exit handler of its parent and prints nothing twice", "[workers]") {
  const NothingLeft check;
  const Pipe out = Pipe::make();
  const int result = in_child([&] {
    ::dup2(out.write.get(), 1);
    ::dup2(out.write.get(), 2);
    std::atexit(tell_of_the_handler);
    std::printf("once");
    Workforce force = testing::make_test_workforce(testing::processes(2));
    std::vector<Event> events;
    force.executor->start(1, make_job(1, {Op::exit, 0}), {});
    while (events.size() < 2) force.executor->wait(events, Clock::now() + 20s);
    testing::wait_for_idle(*force.executor, 2, events);
    return 0;
  });
  CHECK(result == 0);
  std::array<char, 64> text{};
  REQUIRE(::read(out.read.get(), text.data(), text.size() - 1) > 0);
  CHECK(std::string(text.data()) == "once");
}

}  // namespace
}  // namespace tessera::workers
