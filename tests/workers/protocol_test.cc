// A worker that has been taken over can send what it likes. Here jobs write to their worker's channel themselves.
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>

#include "tests/workers/support.h"
#include "workers/channel.h"
#include "workers/executor.h"

namespace tessera::workers {
namespace {

using namespace std::chrono_literals;
using testing::make_job;
using testing::NothingLeft;
using testing::Op;

constexpr int kChannel = 3;  // in a worker

enum class Lie : std::uint64_t {
  none,
  one_byte,
  too_short,
  too_long,
  empty,
  magic,
  version,
  job_type,
  unknown_type,
  second_ready,
  generation,
  window,
  foreign_job,
  job_zero,
  says_crashed,
  unknown_outcome,
  slot_it_has_not,
  progress_of_another,
  descriptor,
  promised_descriptor,
  answer_twice,
  closes_channel,
  last
};

/// By the one call that a worker may send with.
void send_bytes(const void* bytes, std::size_t size) {
  iovec part{const_cast<void*>(bytes), size};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  ::sendmsg(kChannel, &header, MSG_NOSIGNAL);
}

template <typename Change>
void send_changed(Message message, Change change) {
  change(message);
  send_bytes(&message, sizeof(message));
}

template <typename Change>
Message completion_with(std::uint64_t id, Change change) {
  Completion completion;
  completion.id = id;
  change(completion);
  return make_message(MessageType::completion, 1, 1, completion);
}

void send_descriptor(const Message& message) {
  Message copy = message;
  copy.descriptors = 1;
  const Channel channel{Fd(kChannel)};
  channel.send(copy, std::array{2}, Channel::Wait::block);
}

void lie(Lie what, std::uint64_t id) {
  const auto keep = [](auto&) {};
  const Message good = completion_with(id, keep);
  std::array<std::byte, 2 * sizeof(Message)> large{};
  std::memcpy(large.data(), &good, sizeof(good));
  switch (what) {
    case Lie::one_byte:
      return send_bytes(&good, 1);
    case Lie::too_short:
      return send_bytes(&good, sizeof(good) - 1);
    case Lie::too_long:
      return send_bytes(large.data(), large.size());
    case Lie::empty:
      return send_bytes(&good, 0);
    case Lie::magic:
      return send_changed(good, [](Message& m) { m.magic = 1; });
    case Lie::version:
      return send_changed(good, [](Message& m) { m.version = 9; });
    case Lie::job_type:
      return send_changed(good, [](Message& m) { m.type = MessageType::job; });
    case Lie::unknown_type:
      return send_changed(good, [](Message& m) { m.type = static_cast<MessageType>(200); });
    case Lie::second_ready:
      return send_changed(make_message(MessageType::ready, 1, 1), keep);
    case Lie::generation:
      return send_changed(good, [](Message& m) { m.generation = 0; });
    case Lie::window:
      return send_changed(good, [](Message& m) { m.window = 2; });
    case Lie::foreign_job:
      return send_changed(completion_with(500, keep), keep);  // held by the other worker
    case Lie::job_zero:
      return send_changed(completion_with(0, keep), keep);
    case Lie::says_crashed:
      return send_changed(completion_with(id, [](Completion& c) { c.outcome = Outcome::crashed; }), keep);
    case Lie::unknown_outcome:
      return send_changed(completion_with(id, [](Completion& c) { c.outcome = static_cast<Outcome>(77); }), keep);
    case Lie::slot_it_has_not:
      return send_changed(completion_with(id, [](Completion& c) { c.slot = 1; }), keep);
    case Lie::progress_of_another:
      return send_changed(make_message(MessageType::progress, 1, 1, Progress{500, 1}), keep);
    case Lie::descriptor:
      return send_descriptor(good);
    case Lie::promised_descriptor:
      return send_changed(good, [](Message& m) { m.descriptors = 1; });
    case Lie::answer_twice:
      send_bytes(&good, sizeof(good));
      return send_bytes(&good, sizeof(good));
    case Lie::closes_channel:
      ::close(kChannel);
      return;
    case Lie::none:
    case Lie::last:
      return;
  }
}

void run_liar(JobContext& context, Completion& completion) {
  testing::Order order;
  std::memcpy(&order, context.job().payload.data(), sizeof(order));
  if (order.op != Op::nothing) return testing::run_test_job(context, completion);
  lie(static_cast<Lie>(order.a), context.job().id);
  if (order.a != 0)
    for (;;) ::sleep(1);
}

TEST_CASE("a worker that breaks the protocol is killed, and the others never notice", "[workers]") {
  const NothingLeft check;
  for (std::uint64_t what = 1; what < static_cast<std::uint64_t>(Lie::last); ++what) {
    INFO("lie " << what);
    Workforce force = make_workforce(testing::processes(2), testing::kBudget, run_liar);
    Executor& executor = *force.executor;
    const testing::Pipe pipe = testing::Pipe::make();
    executor.start(2, make_job(500, {Op::wait_fd, 0}), std::array{pipe.read.get()});
    executor.start(1, make_job(1, {Op::nothing, what}), {});
    std::vector<Event> events;
    const Completion completion = testing::wait_for(executor, 1, events).front();
    CHECK(completion.id == 1);
    if (static_cast<Lie>(what) == Lie::answer_twice) {
      CHECK(completion.outcome == Outcome::done);  // the first was a proper answer
    } else {
      CHECK(completion.outcome == Outcome::crashed);
      CHECK(completion.signal == SIGKILL);
      CHECK(testing::text_of(completion).starts_with("the worker was killed: it "));
    }
    const Clock::time_point until = Clock::now() + 20s;
    while (executor.traffic().forks < 3 && Clock::now() < until) executor.wait(events, until);
    CHECK(testing::count_lost(events, 1) == 1);
    CHECK(testing::count_lost(events, 2) == 0);
    REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
    CHECK(testing::wait_for(executor, 1, events).front().outcome == Outcome::done);
    REQUIRE(testing::wait_for_idle(executor, 2, events));
    CHECK(testing::run_one(executor, 1, make_job(2, {Op::nothing, 0})).outcome == Outcome::done);
  }
}

TEST_CASE("a worker cannot say that it was timed out or interrupted", "[workers]") {
  const NothingLeft check;
  for (const Outcome outcome : {Outcome::timed_out, Outcome::interrupted}) {
    Workforce force = make_workforce(testing::processes(1), testing::kBudget, [&](JobContext& context, Completion&) {
      send_changed(completion_with(context.job().id, [&](Completion& c) { c.outcome = outcome; }), [](Message&) {});
      for (;;) ::pause();
    });
    CHECK(testing::run_one(*force.executor, 1, make_job(1, {})).outcome == Outcome::crashed);
  }
}

/// Answers, and goes on writing to its block for 200 ms, whoever holds it now.
void answer_and_scribble(JobContext& context, Completion& completion) {
  testing::Order order;
  std::memcpy(&order, context.job().payload.data(), sizeof(order));
  if (order.op != Op::nothing) return testing::run_test_job(context, completion);
  const WriteBytes bytes = context.write(context.job().blocks[0]);
  send_changed(completion_with(context.job().id, [](Completion&) {}), [](Message&) {});
  const Clock::time_point until = Clock::now() + 200ms;
  for (unsigned value = 0; Clock::now() < until; ++value)
    std::memset(bytes.data(), static_cast<int>(value), bytes.size());
}

TEST_CASE("a worker that scribbles on a block after its answer harms nobody else", "[workers]") {
  const NothingLeft check;
  for (const auto& mode : testing::isolated_modes()) {
    INFO(mode.name);
    Workforce force = make_workforce(mode.options, testing::kBudget, answer_and_scribble);
    Executor& executor = *force.executor;
    const Lease lease = testing::lease_one(*force.arena, 1, 100'000);
    CHECK(testing::run_one(executor, 1, make_job(1, {Op::nothing, 0}, lease.block())).outcome == Outcome::done);
    std::vector<Event> events;
    for (std::uint64_t id = 2; testing::count_lost(events, 1) == 0 && id < 100'000; ++id) {
      executor.start(2, make_job(id, {Op::sum, 0}, lease.block()), {});
      const Completion reader = testing::wait_for(executor, 1, events).front();
      CHECK((reader.outcome == Outcome::done || reader.reason == kBlockLost));
    }
    CHECK(testing::count_lost(events, 1) == 1);  // its second answer was one too many
    CHECK(testing::count_lost(events, 2) == 0);
    REQUIRE(testing::wait_for_idle(executor, 2 * mode.options.threads, events));
    CHECK(executor.traffic().deaths == 1);
  }
}

TEST_CASE("a worker cannot give itself a signal or a breadcrumb", "[workers]") {
  Workforce force = make_workforce(testing::processes(1), testing::kBudget, [](JobContext& context, Completion&) {
    send_changed(completion_with(context.job().id,
                                 [](Completion& c) {
                                   c.signal = 11;
                                   c.breadcrumb = 5;
                                   c.suspects = 9;
                                   c.unused.fill(1);
                                 }),
                 [](Message&) {});
    for (;;) ::sleep(1);
  });
  const Completion completion = testing::run_one(*force.executor, 1, make_job(1, {}));
  CHECK(completion.outcome == Outcome::done);
  CHECK(completion.signal == 0);
  CHECK(completion.breadcrumb == 0);
  CHECK(completion.suspects == 0);
  CHECK(completion.unused == std::array<std::uint8_t, 5>{});
}

/// More than the coordinator reads at once, a proper answer at the end, and death.
void report_answer_and_die(JobContext& context, Completion& completion) {
  testing::Order order;
  std::memcpy(&order, context.job().payload.data(), sizeof(order));
  if (order.op != Op::nothing) return testing::run_test_job(context, completion);
  const std::uint64_t id = context.job().id;
  for (std::uint32_t i = 1; i <= 200; ++i) {
    const Message report = make_message(MessageType::progress, 1, 1, Progress{id, i});
    send_bytes(&report, sizeof(report));
  }
  const Message answer = completion_with(id, [](Completion&) {});
  send_bytes(&answer, sizeof(answer));
  ::_exit(1);
}

TEST_CASE("everything that a worker sent before it died is heard before it is judged", "[workers]") {
  const NothingLeft check;
  Workforce force = make_workforce(testing::processes(1), testing::kBudget, report_answer_and_die);
  const auto pid = testing::answer(testing::run_one(*force.executor, 1, make_job(1, {Op::pid, 0})));
  force.executor->start(1, make_job(2, {Op::nothing, 0}), {});
  REQUIRE(testing::disappears(static_cast<int>(pid)));
  std::vector<Event> events;
  const Completion completion = testing::wait_for(*force.executor, 1, events).front();
  CHECK(completion.outcome == Outcome::done);
  const Clock::time_point until = Clock::now() + 20s;
  while (testing::count_lost(events, 1) == 0 && Clock::now() < until) force.executor->wait(events, until);
  REQUIRE(events.size() == 202);
  CHECK(std::get<Progress>(events[199]).value == 200);
  CHECK(std::get<Completion>(events[200]).id == 2);
  CHECK(std::get<WindowLost>(events[201]).window == 1);
}

TEST_CASE("a job whose descriptors find no room fails, and the worker goes on", "[workers]") {
  const NothingLeft check;
  Workforce force = testing::make_test_workforce(testing::processes(1));
  const auto pid = testing::answer(testing::run_one(*force.executor, 1, make_job(1, {Op::pid, 0})));
  rlimit limit{};
  REQUIRE(::prlimit(static_cast<pid_t>(pid), RLIMIT_NOFILE, nullptr, &limit) == 0);
  limit.rlim_cur = 6;  // 0 to 3 are taken
  REQUIRE(::prlimit(static_cast<pid_t>(pid), RLIMIT_NOFILE, &limit, nullptr) == 0);
  const Completion failed = testing::run_one(*force.executor, 1, make_job(2, {}), std::array{2, 2, 2});
  CHECK(failed.outcome == Outcome::failed);
  CHECK(failed.reason == kNoDescriptors);
  CHECK(testing::run_one(*force.executor, 1, make_job(3, {}), std::array{2, 2}).outcome == Outcome::done);
  CHECK(force.executor->traffic().deaths == 0);
}

}  // namespace
}  // namespace tessera::workers
