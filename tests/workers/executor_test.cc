#include "workers/executor.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <map>
#include <set>

#include "tests/workers/support.h"

namespace tessera::workers {
namespace {

using namespace std::chrono_literals;
using testing::answer;
using testing::is_readable;
using testing::make_job;
using testing::NothingLeft;
using testing::Op;
using testing::Pipe;

void let_go(const Pipe& pipe) { REQUIRE(::write(pipe.write.get(), "x", 1) == 1); }

TEST_CASE("every executor gives the same answers to the same jobs", "[workers]") {
  const NothingLeft check;
  // All that an answer holds except the CPU time, which nobody repeats.
  using Answer = std::tuple<Outcome, std::int32_t, std::int32_t, std::array<std::byte, 384>>;
  std::map<std::string, std::map<std::uint64_t, Answer>> answers;
  for (const auto& mode : testing::all_modes()) {
    Workforce force = testing::make_test_workforce(mode.options);
    const Lease lease = testing::lease_one(*force.arena, 1, 10'000);
    CHECK(testing::run_one(*force.executor, 1, make_job(1, {Op::fill, 7}, lease.block())).outcome == Outcome::done);
    Job sum = make_job(2, {Op::sum, 0}, lease.block());
    const std::array jobs = {make_job(3, {Op::nothing, 0}),
                             make_job(4, {Op::decline, 1234}),
                             make_job(5, {Op::fail, 17}),
                             make_job(6, {Op::throw_error, 0}),
                             make_job(7, {Op::throw_bad_alloc}),
                             make_job(8, {Op::throw_number, 0}),
                             make_job(9, {Op::bad_fd, 0}),
                             make_job(10, {Op::sum, 0}, {1, 7, 4096, 1}),
                             make_job(11, {Op::write, 0}, {kBoard, 1, 1 << 18, 1})};
    Completion completion = testing::run_one(*force.executor, 1, sum);
    CHECK(answer(completion) == 70'000);
    std::vector<Event> events;
    std::vector<Completion> completions;
    for (const Job& job : jobs) {
      if (force.executor->workers()[0].idle_slots == 0)
        for (const Completion& c : testing::wait_for(*force.executor, 1, events)) completions.push_back(c);
      force.executor->start(1, job, {});
    }
    for (const Completion& c : testing::wait_for(*force.executor, jobs.size() - completions.size(), events))
      completions.push_back(c);
    for (const Completion& c : completions) {
      CHECK(c.breadcrumb == 0);
      answers[mode.name][c.id] = {c.outcome, c.signal, c.reason, c.payload};
    }
    CHECK(answers[mode.name].size() == jobs.size());
    CHECK(force.executor->workers()[0].idle_slots == force.executor->workers()[0].slots);
  }
  for (const char* other : {"threads", "processes", "hybrid"}) {
    INFO(other);
    CHECK((answers[other] == answers["serial"]));
  }
}

TEST_CASE("a worker reads what another has written, and the board", "[workers]") {
  for (const auto& mode : testing::isolated_modes()) {
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options);
    const Lease lease = testing::lease_one(*force.arena, 1, 5000), table = testing::lease_one(*force.arena, kBoard, 64);
    std::ranges::fill(force.arena->board_bytes(table.block()), std::byte{2});
    testing::run_one(*force.executor, 1, make_job(1, {Op::fill, 3}, lease.block()));
    CHECK(answer(testing::run_one(*force.executor, 2, make_job(2, {Op::sum, 0}, lease.block()))) == 15'000);
    CHECK(answer(testing::run_one(*force.executor, 2, make_job(3, {Op::sum, 0}, table.block()))) == 128);
  }
}

TEST_CASE("descriptors travel with the job and are closed after it", "[workers]") {
  const NothingLeft check;
  for (const auto& mode : testing::all_modes()) {
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options);
    const auto before = answer(testing::run_one(*force.executor, 1, make_job(1, {Op::descriptors, 0})));
    for (std::uint64_t id = 2; id < 30; ++id) {
      Fd file(::memfd_create("test-input", MFD_CLOEXEC));
      REQUIRE(::write(file.get(), "a picture", 9) == 9);
      const std::vector<int> fds(id % 2 == 0 ? kMaxJobFds : 1, file.get());
      force.executor->start(1, make_job(id, {Op::read_fd, 0}), fds);
      file.close();  // borrowed for the call only
      std::vector<Event> events;
      const Completion completion = testing::wait_for(*force.executor, 1, events).front();
      CHECK(testing::text_of(completion) == "a picture");
      CHECK(answer(completion, 8) == fds.size());
    }
    CHECK(answer(testing::run_one(*force.executor, 1, make_job(40, {Op::descriptors, 0}))) == before);
  }
}

TEST_CASE("slots run at the same time, answer out of order, and each is one place", "[workers]") {
  const NothingLeft check;
  const ExecutorOptions options = GENERATE(ExecutorOptions{ExecutorOptions::Mode::threads, 1, 1},
                                           ExecutorOptions{ExecutorOptions::Mode::threads, 1, 5},
                                           testing::processes(1, 5), testing::processes(2, 3));
  Workforce force = testing::make_test_workforce(options);
  Executor& executor = *force.executor;
  const auto slots = static_cast<std::size_t>(options.threads);
  const Lease lease = testing::lease_one(*force.arena, 1, 10);
  std::vector<Pipe> pipes;
  for (std::size_t i = 0; i < slots; ++i) {
    pipes.push_back(Pipe::make());
    executor.start(1, make_job(i + 1, {Op::wait_fd, 0}), std::array{pipes.back().read.get()});
  }
  CHECK(executor.workers()[0].idle_slots == 0);
  // Each job says that it has begun before any is let go: they run at once.
  std::vector<Event> events;
  std::set<std::uint64_t> begun;
  const Clock::time_point until = Clock::now() + 20s;
  while (begun.size() < slots && Clock::now() < until) {
    executor.wait(events, until);
    for (const Event& event : events)
      if (const auto* const progress = std::get_if<Progress>(&event)) begun.insert(progress->id);
  }
  REQUIRE(begun.size() == slots);
  for (std::size_t i = slots; i > 0; --i) {
    let_go(pipes[i - 1]);
    CHECK(testing::wait_for(executor, 1, events).front().id == i);
    CHECK(executor.workers()[0].idle_slots == static_cast<int>(slots - i + 1));
  }
  // Every slot's number is below T, and no two jobs of the same moment share one.
  std::set<std::uint64_t> numbers;
  for (std::uint64_t id = 100; id < 150; ++id) {
    const auto number = answer(testing::run_one(executor, 1, make_job(id, {Op::sum, 0}, lease.block())), 1);
    CHECK(number < slots);
    numbers.insert(number);
  }
  CHECK(!numbers.empty());
}

TEST_CASE("ready_fd is readable when there is something to do, and not otherwise", "[workers]") {
  for (const auto& mode : testing::all_modes()) {
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options);
    CHECK(!is_readable(force.executor->ready_fd(), 0));
    force.executor->start(1, make_job(1, {Op::nothing, 0}), {});
    CHECK(is_readable(force.executor->ready_fd(), 5000));
    std::vector<Event> events;
    testing::wait_for(*force.executor, 1, events);
    CHECK(!is_readable(force.executor->ready_fd(), 0));
  }
}

TEST_CASE("wait returns at its time when nothing happens", "[workers]") {
  for (const auto& mode : testing::all_modes()) {
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options);
    std::vector<Event> events;
    const Clock::time_point start = Clock::now();
    force.executor->wait(events, start + 30ms);
    CHECK(Clock::now() - start >= 30ms);
    CHECK(Clock::now() - start < 5s);
    force.executor->wait(events, start);
    CHECK(events.empty());
  }
}

TEST_CASE("a cancelled job sees it and still completes, and the next one in its slot is not cancelled", "[workers]") {
  const NothingLeft check;
  for (const auto& mode : testing::all_modes()) {
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options);
    std::vector<Event> events;
    force.executor->start(1, make_job(1, {Op::wait_cancel, 0}), {});
    if (mode.options.mode != ExecutorOptions::Mode::serial) {
      while (events.empty()) force.executor->wait(events, Clock::now() + 20s);
      REQUIRE(std::holds_alternative<Progress>(events.front()));  // it runs
    }
    force.executor->cancel(1);
    force.executor->cancel(99);  // nobody's
    const Completion completion = testing::wait_for(*force.executor, 1, events).front();
    CHECK(completion.id == 1);
    CHECK(completion.outcome == Outcome::cancelled);
    for (std::uint64_t id = 2; id < 6; ++id)
      CHECK(testing::run_one(*force.executor, 1, make_job(id, {Op::nothing, 0})).outcome == Outcome::done);
  }
}

TEST_CASE("progress comes before the completion, and of the job itself", "[workers]") {
  for (const auto& mode : testing::all_modes()) {
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options);
    std::vector<Event> events;
    force.executor->start(1, make_job(5, {Op::progress, 1000}), {});
    testing::wait_for(*force.executor, 1, events);
    REQUIRE(events.size() >= 2);
    const auto* const progress = std::get_if<Progress>(&events.front());
    REQUIRE(progress != nullptr);
    CHECK(progress->id == 5);
    CHECK(progress->value >= 1);
    CHECK(progress->value <= 1000);
    CHECK(std::holds_alternative<Completion>(events.back()));
  }
}

TEST_CASE("stop lets running jobs finish, and their answers can still be had", "[workers]") {
  const NothingLeft check;
  for (const auto& mode : testing::all_modes()) {
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options);
    const auto held = testing::Holdings::now();
    force.executor->start(1, make_job(1, {Op::burn, 20}), {});
    force.executor->stop(Clock::now() + 20s);
    CHECK(force.executor->ready_fd() == -1);
    CHECK(force.executor->workers()[0].idle_slots == 0);
    CHECK(testing::Holdings::now().children == 0);
    CHECK(testing::Holdings::now().threads <= held.threads);
    CHECK(testing::Holdings::now().descriptors < held.descriptors);
    std::vector<Event> events;
    CHECK(testing::wait_for(*force.executor, 1, events).front().outcome == Outcome::done);
    force.executor->wait(events, Clock::time_point::max());  // returns: nothing can come any more
    CHECK(events.size() == 1);
    force.executor->stop(Clock::now());
  }
}

TEST_CASE("stop cancels what cannot be killed, and kills what can", "[workers]") {
  const NothingLeft check;
  for (const auto& mode : testing::all_modes()) {
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options);
    std::vector<Event> events;
    force.executor->start(1, make_job(1, {Op::wait_cancel, 0}), {});
    force.executor->stop(Clock::now());
    const Completion completion = testing::wait_for(*force.executor, 1, events).front();
    const bool isolated = force.executor->workers()[0].isolated;
    CHECK(completion.outcome == (isolated ? Outcome::crashed : Outcome::cancelled));
    CHECK(completion.signal == (isolated ? SIGKILL : 0));
    CHECK(testing::count_lost(events, 1) == (isolated ? 1 : 0));
  }
}

TEST_CASE("options that make no sense are refused with a sentence", "[workers]") {
  const NothingLeft check;
  const auto make = [](ExecutorOptions options, std::uint64_t budget = 1 << 20) {
    make_workforce(options, budget, testing::run_test_job);
  };
  CHECK_THROWS_WITH(make(testing::processes(0)), "The number of workers must be 1 to 4096, and it is 0.");
  CHECK_THROWS_AS(make(testing::processes(1, 257)), std::invalid_argument);
  CHECK_THROWS_AS(make({ExecutorOptions::Mode::threads, 1, 0}), std::invalid_argument);
  CHECK_THROWS_AS(make(testing::processes(1), 0), std::invalid_argument);
}

TEST_CASE("64 workers answer thousands of tiny jobs, each exactly once", "[workers]") {
  const NothingLeft check;
  Workforce force = testing::make_test_workforce(testing::processes(64), 64 << 20);
  constexpr std::uint64_t kJobs = 5000;
  std::vector<int> answered(kJobs + 1);
  std::uint64_t next = 1, done = 0;
  std::vector<Event> events;
  const Clock::time_point until = Clock::now() + 60s;
  while (done < kJobs && Clock::now() < until) {
    for (const Executor::Worker& worker : force.executor->workers())
      if (worker.idle_slots > 0 && next <= kJobs) {
        const std::uint64_t id = next++;
        force.executor->start(worker.window, make_job(id, {Op::decline, id * 3}), {});
      }
    events.clear();
    force.executor->wait(events, until);
    for (const Event& event : events) {
      const auto& completion = std::get<Completion>(event);
      REQUIRE(answer(completion) == completion.id * 3);
      ++answered[completion.id];
      ++done;
    }
  }
  CHECK(std::ranges::count(answered, 1) == kJobs);
  CHECK(answered[0] == 0);
  const Executor::Traffic traffic = force.executor->traffic();
  CHECK(traffic.messages_sent == kJobs);
  CHECK(traffic.messages_received == kJobs + 64);
  CHECK(traffic.forks == 64);
  CHECK(traffic.deaths == 0);
}

}  // namespace
}  // namespace tessera::workers
