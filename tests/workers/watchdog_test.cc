#include "workers/watchdog.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <thread>

#include "tests/workers/support.h"
#include "workers/proc.h"

namespace tessera::workers {
namespace {

using namespace std::chrono_literals;

/// A watchdog and a clock of its own, and jobs that have used what they are said to have used.
struct Fixture {
  void add(std::uint64_t job, const Limits& limits, std::uint32_t window = 1) {
    watchdog.add({job, window, limits, now, 0});
  }
  /// "job:reason" of all verdicts at this moment.
  std::string look() {
    std::string text;
    for (const auto& verdict : watchdog.look(now, [this](const Watchdog::Running& job) {
           ++asked;
           return static_cast<std::uint64_t>(std::chrono::nanoseconds(used[job.job]).count());
         }))
      text += std::to_string(verdict.job) + ':' + std::to_string(verdict.reason) + ' ';
    return text;
  }
  Watchdog watchdog;
  Clock::time_point now{1000s};
  std::map<std::uint64_t, Clock::duration> used;
  int asked = 0;
};

TEST_CASE("a job is over its wall limit at that time and not before", "[workers]") {
  Fixture f;
  CHECK(f.watchdog.next_look() == Clock::time_point::max());
  f.add(1, {0, 500, 0});
  f.add(2, {0, 0, 0});
  CHECK(f.watchdog.next_look() == f.now + 500ms);
  f.now += 499ms;
  CHECK(f.look().empty());
  f.now += 1ms;
  CHECK(f.look() == "1:2 ");
  f.watchdog.remove(1);
  CHECK(f.look().empty());
  CHECK(f.watchdog.next_look() == Clock::time_point::max());
  CHECK(f.asked == 0);
}

TEST_CASE("CPU time is asked for when a job may have used it up, and not before", "[workers]") {
  Fixture f;
  f.add(1, {1000, 0, 0});
  f.now += 999ms;
  f.look();
  CHECK(f.asked == 0);
  f.now += 1ms;
  f.used[1] = 400ms;
  CHECK(f.look().empty());
  CHECK(f.watchdog.next_look() == f.now + 600ms);
  f.now += 600ms;
  f.used[1] = 999ms;
  CHECK(f.look().empty());
  CHECK(f.watchdog.next_look() == f.now + 10ms);  // no busy waiting for the last bit
  f.now += 10ms;
  f.used[1] = 1001ms;
  CHECK(f.look() == "1:1 ");
  CHECK(f.asked == 3);
}

TEST_CASE("a gap extends the wall limits of what runs, and no CPU limit", "[workers]") {
  Fixture f;
  f.add(1, {0, 2000, 0});
  f.add(2, {2000, 0, 0});
  f.watchdog.asleep_until(f.now + 250ms);
  f.now += 250ms + Watchdog::kGap;
  CHECK(f.watchdog.awake(f.now) == 0s);  // a little late is no gap
  f.watchdog.asleep_until(f.now + 250ms);
  f.now += 60s;
  CHECK(f.watchdog.awake(f.now) == 59'750ms);
  f.used[2] = 3s;
  CHECK(f.look() == "2:1 ");
  CHECK(f.watchdog.awake(f.now) == 0s);  // counted once
  f.watchdog.remove(2);
  f.now += 500ms;
  CHECK(f.look() == "1:2 ");  // 2 s of its own: 0.25 + 1 + 0.25 + 0.5
}

TEST_CASE("time that its owner spends elsewhere is a gap as well", "[workers]") {
  Fixture f;
  f.watchdog.awake(f.now);
  f.add(1, {0, 2000, 0});
  f.now += 5s;
  CHECK(f.watchdog.awake(f.now) == 5s);
  CHECK(f.look().empty());
}

TEST_CASE("limits that are raised or lowered count from the job's start", "[workers]") {
  Fixture f;
  f.add(1, {0, 100, 0});
  f.now += 100ms;
  f.watchdog.set_limits(1, {0, 300, 0});
  f.watchdog.set_limits(9, {0, 1, 0});  // nobody's
  CHECK(f.look().empty());
  CHECK(f.watchdog.next_look() == f.now + 200ms);
  f.watchdog.set_limits(1, {50, 0, 0});
  f.used[1] = 60ms;
  CHECK(f.look() == "1:1 ");
}

TEST_CASE("a verdict may be put off once for each limit", "[workers]") {
  Fixture f;
  f.add(1, {0, 100, 0});
  CHECK(f.watchdog.may_defer(1));
  CHECK(!f.watchdog.may_defer(1));
  f.watchdog.set_limits(1, {0, 100, 0});  // the same, and lower ones, give no more time
  f.watchdog.set_limits(1, {0, 50, 0});
  CHECK(!f.watchdog.may_defer(1));
  f.watchdog.set_limits(1, {0, 200, 0});
  CHECK(f.watchdog.may_defer(1));
  f.watchdog.set_limits(1, {0, 0, 0});
  CHECK(f.watchdog.may_defer(1));
  CHECK(!f.watchdog.may_defer(7));
}

TEST_CASE("what the jobs of a worker were granted adds up", "[workers]") {
  Fixture f;
  f.add(1, {0, 0, 100});
  f.add(2, {0, 0, 30});
  f.add(3, {0, 0, 7}, 2);
  CHECK(f.watchdog.granted_bytes(1) == 130);
  f.watchdog.remove(1);
  CHECK(f.watchdog.granted_bytes(1) == 30);
  CHECK(f.watchdog.window_of(3) == 2);
  f.watchdog.remove_all(1);
  CHECK(f.watchdog.granted_bytes(1) == 0);
  CHECK(f.watchdog.window_of(2) == 0);
  CHECK(!f.watchdog.idle());
}

TEST_CASE("the kernel's account of a running thread moves, and knows no thread of another process", "[workers]") {
  const std::uint64_t thread_before = cpu_ns_of_thread(::getpid(), static_cast<std::uint64_t>(::gettid())).value();
  const std::uint64_t process_before = cpu_ns_of_process(::getpid()).value(), own_before = own_cpu_ns();
  while (own_cpu_ns() - own_before < 200'000'000) {
  }
  // Looked at from another thread, as the coordinator looks at a worker that is busy.
  const auto self = static_cast<std::uint64_t>(::gettid());
  std::uint64_t thread_now = 0;
  std::thread([&] { thread_now = cpu_ns_of_thread(::getpid(), self).value(); }).join();
  CHECK(thread_now - thread_before >= 150'000'000);
  CHECK(cpu_ns_of_process(::getpid()).value() - process_before >= 200'000'000);
  CHECK(!cpu_ns_of_thread(::getpid(), static_cast<std::uint64_t>(::getppid())));
  CHECK(!cpu_ns_of_thread(::getpid(), ~std::uint64_t{0}));
}

}  // namespace
}  // namespace tessera::workers
