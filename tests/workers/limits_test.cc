// Jobs that run for too long, in real workers and in this process.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <map>
#include <thread>

#include "tests/workers/support.h"
#include "workers/status_page.h"

namespace tessera::workers {
namespace {

using namespace std::chrono_literals;
using testing::answer;
using testing::make_job;
using testing::NothingLeft;
using testing::Op;

constexpr std::uint32_t kLong = 60'000;

TEST_CASE("a job that sleeps for ever is ended at its wall limit, and its worker replaced", "[workers]") {
  const NothingLeft check;
  for (const auto& mode : testing::isolated_modes()) {
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options);
    std::vector<Event> events;
    const Clock::time_point start = Clock::now();
    force.executor->start(1, make_job(1, {Op::wait_for_ever, 33}), {}, {kLong, 300, 0});
    const Completion completion = testing::wait_for(*force.executor, 1, events).front();
    CHECK(Clock::now() - start >= 300ms);
    CHECK(Clock::now() - start < 5s);
    CHECK(completion.outcome == Outcome::timed_out);
    CHECK(completion.reason == kWallTime);
    CHECK(completion.breadcrumb == 33);
    CHECK(completion.suspects == 0);
    CHECK(testing::count_lost(events, 1) == 1);
    REQUIRE(testing::wait_for_idle(*force.executor, 2 * mode.options.threads, events));
    CHECK(testing::run_one(*force.executor, 1, make_job(2, {Op::nothing, 0})).outcome == Outcome::done);
  }
}

TEST_CASE("a worker that is stopped is ended at the wall limit", "[workers]") {
  const NothingLeft check;
  Workforce force = testing::make_test_workforce(testing::processes(1));
  const auto pid = static_cast<pid_t>(answer(testing::run_one(*force.executor, 1, make_job(1, {Op::pid, 0}))));
  std::vector<Event> events;
  testing::start_and_see(*force.executor, 1, make_job(2, {Op::rest, 100}), events, {kLong, 400, 0});
  REQUIRE(::kill(pid, SIGSTOP) == 0);
  const Completion completion = testing::wait_for(*force.executor, 1, events).front();
  CHECK(completion.outcome == Outcome::timed_out);
  CHECK(completion.reason == kWallTime);
}

TEST_CASE("an endless loop is ended at its CPU limit, and who shared its worker is interrupted", "[workers]") {
  const NothingLeft check;
  const int threads = GENERATE(1, 3);
  Workforce force = testing::make_test_workforce(testing::processes(1, threads));
  std::vector<Event> events;
  for (int i = 1; i < threads; ++i)
    force.executor->start(1, make_job(10 + static_cast<std::uint64_t>(i), {Op::wait_for_ever, 0}), {}, {150, kLong, 0});
  force.executor->start(1, make_job(1, {Op::spin, 0}), {}, {150, kLong, 0});
  std::map<std::uint64_t, Completion> answers;
  for (const Completion& c : testing::wait_for(*force.executor, static_cast<std::size_t>(threads), events))
    answers[c.id] = c;
  CHECK(answers[1].outcome == Outcome::timed_out);
  CHECK(answers[1].reason == kCpuTime);
  for (int i = 1; i < threads; ++i) {
    const Completion& innocent = answers[10 + static_cast<std::uint64_t>(i)];
    CHECK(innocent.outcome == Outcome::interrupted);
    CHECK(innocent.reason == 0);
    CHECK(innocent.suspects == 0);
  }
}

TEST_CASE("when every slot loops, the worker is ended as well", "[workers]") {
  const NothingLeft check;
  Workforce force = testing::make_test_workforce(testing::processes(1, 3));
  std::vector<Event> events;
  for (std::uint64_t id = 1; id <= 3; ++id) force.executor->start(1, make_job(id, {Op::spin, 0}), {}, {150, kLong, 0});
  int timed_out = 0, interrupted = 0;
  for (const Completion& c : testing::wait_for(*force.executor, 3, events)) {
    timed_out += c.outcome == Outcome::timed_out && c.reason == kCpuTime;
    interrupted += c.outcome == Outcome::interrupted;
  }
  CHECK(timed_out == 1);
  CHECK(interrupted == 2);
}

TEST_CASE("CPU time is a job's own: not its worker's earlier jobs', and not time asleep", "[workers]") {
  for (const auto& mode : testing::isolated_modes()) {
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options);
    const Limits limits{200, kLong, 0};
    for (std::uint64_t id = 1; id <= 6; ++id)
      testing::run_one(*force.executor, 1, make_job(id, {Op::burn, 100}), {}, limits);
    CHECK(testing::run_one(*force.executor, 1, make_job(10, {Op::burn_and_rest, 50}), {}, limits).outcome ==
          Outcome::done);
    CHECK(testing::run_one(*force.executor, 1, make_job(11, {Op::rest, 400}), {}, limits).outcome == Outcome::done);
    CHECK(force.executor->traffic().deaths == 0);
  }
}

/// Says on the status page that it has used nothing, and loops.
void lie_about_time(JobContext& context, Completion&) {
  const Block& block = context.job().blocks[0];
  const WriteBytes page(context.write(block).data() - block.offset, status_page_bytes());
  for (std::size_t slot = 0; slot < 2; ++slot) {
    slot_status(page, slot).cpu_base = ~std::uint64_t{0};
    slot_status(page, slot).thread = context.job().id == 1 ? 1 : ~std::uint64_t{0};
  }
  for (;;) {
  }
}

TEST_CASE("a worker that lies about its CPU time is ended at the wall limit", "[workers]") {
  const NothingLeft check;
  Workforce force = make_workforce(testing::processes(1, 2), testing::kBudget, lie_about_time);
  for (std::uint64_t id = 1; id <= 2; ++id) {
    const Lease lease = testing::lease_one(*force.arena, 1, 4096);
    const Completion completion =
        testing::run_one(*force.executor, 1, make_job(id, {}, lease.block()), {}, {100, 500, 0});
    CHECK(completion.outcome == Outcome::timed_out);
    CHECK(completion.reason == kWallTime);
    std::vector<Event> events;
    REQUIRE(testing::wait_for_idle(*force.executor, 2, events));
  }
}

TEST_CASE("an answer that races its timeout is one outcome, whichever it is", "[workers]") {
  const NothingLeft check;
  const int threads = GENERATE(1, 2);
  Workforce force = testing::make_test_workforce(testing::processes(1, threads));
  int done = 0, timed_out = 0;
  for (std::uint64_t id = 1; id <= 200; ++id) {
    std::vector<Event> events;
    REQUIRE(testing::wait_for_idle(*force.executor, threads, events));
    events.clear();
    force.executor->start(1, make_job(id, {Op::rest, 3 + id % 5}), {}, {0, 5, 0});
    const Completion completion = testing::wait_for(*force.executor, 1, events).front();
    CHECK(completion.id == id);
    done += completion.outcome == Outcome::done;
    timed_out += completion.outcome == Outcome::timed_out;
    REQUIRE(testing::wait_for_idle(*force.executor, threads, events));
    for (const Event& event : events)
      if (const auto* const other = std::get_if<Completion>(&event)) CHECK(other->outcome == completion.outcome);
    CHECK(std::ranges::count_if(events, [](const Event& e) { return std::holds_alternative<Completion>(e); }) == 1);
  }
  CHECK(done + timed_out == 200);
  CHECK(done > 0);
  CHECK(timed_out > 0);
}

TEST_CASE("an answer that lies unread when its limit has passed counts", "[workers]") {
  const NothingLeft check;
  Workforce force = testing::make_test_workforce(testing::processes(1, 1));
  force.executor->start(1, make_job(1, {Op::rest, 100}), {}, {0, 300, 0});
  std::this_thread::sleep_for(600ms);  // too short to be a gap
  std::vector<Event> events;
  CHECK(testing::wait_for(*force.executor, 1, events).front().outcome == Outcome::done);
  force.executor->wait(events, Clock::now() + 200ms);
  CHECK(events.size() == 2);  // progress and the answer
  CHECK(force.executor->traffic().deaths == 0);
}

TEST_CASE("limits can be raised while the job runs", "[workers]") {
  const NothingLeft check;
  for (const auto& mode : testing::isolated_modes()) {
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options);
    std::vector<Event> events;
    testing::start_and_see(*force.executor, 1, make_job(1, {Op::rest, 700}), events, {0, 300, 0});
    force.executor->set_limits(1, {0, kLong, 0});
    CHECK(testing::wait_for(*force.executor, 1, events).front().outcome == Outcome::done);
    force.executor->set_limits(1, {1, 1, 0});  // it has ended
    force.executor->start(1, make_job(2, {Op::burn, 500}), {}, {200, 0, 0});
    force.executor->set_limits(2, {kLong, 0, 0});
    CHECK(testing::wait_for(*force.executor, 1, events).front().outcome == Outcome::done);
    force.executor->start(1, make_job(3, {Op::wait_for_ever, 0}), {}, {});
    force.executor->set_limits(3, {0, 50, 0});
    CHECK(testing::wait_for(*force.executor, 1, events).front().outcome == Outcome::timed_out);
  }
}

TEST_CASE("a claim of progress is handed over before its job is judged", "[workers]") {
  const NothingLeft check;
  const bool raise = GENERATE(true, false);
  Workforce force = testing::make_test_workforce(testing::processes(1));
  force.executor->start(1, make_job(1, {Op::rest, 900}), {}, {0, 300, 0});
  std::this_thread::sleep_for(600ms);
  std::vector<Event> events;
  force.executor->wait(events, Clock::now() + 20s);
  REQUIRE(events.size() == 1);
  REQUIRE(std::holds_alternative<Progress>(events[0]));
  if (raise) force.executor->set_limits(1, {0, kLong, 0});
  CHECK(testing::wait_for(*force.executor, 1, events).front().outcome == (raise ? Outcome::done : Outcome::timed_out));
}

TEST_CASE("whoever polls ready_fd is woken for a deadline", "[workers]") {
  Workforce force = testing::make_test_workforce(testing::processes(1));
  std::vector<Event> events;
  testing::start_and_see(*force.executor, 1, make_job(1, {Op::wait_for_ever, 0}), events, {0, 200, 0});
  const Clock::time_point until = Clock::now() + 10s;
  std::vector<Completion> answers;
  while (answers.empty() && Clock::now() < until) {
    REQUIRE(testing::is_readable(force.executor->ready_fd(), 5000));
    std::vector<Event> fresh;
    force.executor->wait(fresh, Clock::now());
    for (const Event& event : fresh)
      if (const auto* const completion = std::get_if<Completion>(&event)) answers.push_back(*completion);
  }
  REQUIRE(!answers.empty());
  CHECK(answers.front().outcome == Outcome::timed_out);
}

TEST_CASE("when the coordinator is stopped for seconds, nobody is ended for it", "[workers]") {
  const NothingLeft check;
  const testing::Pipe running = testing::Pipe::make();
  const pid_t coordinator = ::fork();
  if (coordinator == 0) {
    ::alarm(60);
    Workforce force = testing::make_test_workforce(testing::processes(2));
    std::vector<Event> events;
    force.executor->start(1, make_job(1, {Op::rest, 3600}), {}, {0, 1500, 0});
    force.executor->start(2, make_job(2, {Op::rest, 100}), {}, {0, 1500, 0});
    while (events.size() < 2) force.executor->wait(events, Clock::now() + 20s);
    if (::write(running.write.get(), "x", 1) != 1) ::_exit(3);
    int done = 0;
    for (std::size_t seen = 2; done < 2;) {
      force.executor->wait(events, Clock::now() + 20s);
      for (; seen < events.size(); ++seen) {
        const auto* const completion = std::get_if<Completion>(&events[seen]);
        if (completion == nullptr || completion->outcome != Outcome::done) ::_exit(1);
        ++done;
      }
    }
    ::_exit(force.executor->traffic().deaths == 0 ? 0 : 2);
  }
  char byte = 0;
  REQUIRE(::read(running.read.get(), &byte, 1) == 1);
  REQUIRE(::kill(coordinator, SIGSTOP) == 0);
  std::this_thread::sleep_for(3s);
  REQUIRE(::kill(coordinator, SIGCONT) == 0);
  int status = 0;
  REQUIRE(::waitpid(coordinator, &status, 0) == coordinator);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("in this process a job over its limits is cancelled, and says so", "[workers]") {
  const NothingLeft check;
  for (const auto& mode : testing::all_modes()) {
    if (mode.options.mode == ExecutorOptions::Mode::processes) continue;
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options);
    const Completion slept =
        testing::run_one(*force.executor, 1, make_job(1, {Op::wait_cancel, 0}), {}, {kLong, 50, 0});
    CHECK(slept.outcome == Outcome::timed_out);
    CHECK(slept.reason == kWallTime);
    const Completion burnt =
        testing::run_one(*force.executor, 1, make_job(2, {Op::burn_cancel, 0}), {}, {50, kLong, 0});
    CHECK(burnt.outcome == Outcome::timed_out);
    CHECK(burnt.reason == kCpuTime);
    // One that never looks is answered for as it answers.
    CHECK(testing::run_one(*force.executor, 1, make_job(3, {Op::burn, 50}), {}, {10, 10, 0}).outcome == Outcome::done);
    CHECK(force.executor->workers()[0].jobs == 3);
  }
}

TEST_CASE("limits of a job in a thread can be changed while it runs", "[workers]") {
  const NothingLeft check;
  Workforce force = testing::make_test_workforce({ExecutorOptions::Mode::threads, 1, 2});
  std::vector<Event> events;
  testing::start_and_see(*force.executor, 1, make_job(1, {Op::wait_cancel, 0}), events, {});
  force.executor->set_limits(1, {0, 50, 0});
  CHECK(testing::wait_for(*force.executor, 1, events).front().outcome == Outcome::timed_out);
  testing::start_and_see(*force.executor, 1, make_job(2, {Op::wait_cancel, 0}), events, {0, 300, 0});
  force.executor->set_limits(2, {});
  std::this_thread::sleep_for(400ms);
  force.executor->cancel(2);
  CHECK(testing::wait_for(*force.executor, 1, events).front().outcome == Outcome::cancelled);
}

}  // namespace
}  // namespace tessera::workers
