// What a worker writes to stdout and stderr goes to the coordinator, which keeps the last of it.
#include "workers/worker_output.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "tests/workers/support.h"

namespace tessera::workers {
namespace {

using namespace std::chrono_literals;
using testing::make_job;
using testing::NothingLeft;
using testing::Op;
using testing::Pipe;

std::string output_of(const std::vector<Event>& events) {
  for (const Event& event : events)
    if (const auto* const lost = std::get_if<WindowLost>(&event)) return lost->output;
  return "nothing was lost";
}

TEST_CASE("the last 4 KiB are kept, whatever the pieces", "[workers]") {
  const std::size_t piece = GENERATE(1, 7, 1000, 4096, 5000, 60'000);
  Pipe pipe = Pipe::make();
  const int writing = pipe.write.get();
  WorkerOutput output(std::move(pipe.read));
  std::string all;
  CHECK(output.take());  // nothing there
  for (std::size_t i = 0; i < 20; ++i) {
    const std::string text(piece, static_cast<char>('a' + i));
    REQUIRE(::write(writing, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    all += text;
    CHECK(output.take());
    CHECK(output.tail() == all.substr(all.size() - std::min(all.size(), WorkerOutput::kTailBytes)));
  }
  output.clear();
  CHECK(output.tail().empty());
  pipe.write.close();
  CHECK(!output.take());
}

TEST_CASE("a worker's last words come with its death, and are those of its last job", "[workers]") {
  const NothingLeft check;
  for (const auto& mode : testing::isolated_modes()) {
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options);
    std::vector<Event> events;
    CHECK(testing::run_one(*force.executor, 1, make_job(1, {Op::say, 111})).outcome == Outcome::done);
    CHECK(testing::run_one(*force.executor, 2, make_job(2, {Op::say, 222})).outcome == Outcome::done);
    force.executor->start(1, make_job(3, {Op::say_and_crash, 333}), {});
    CHECK(testing::wait_for(*force.executor, 1, events).front().signal == SIGSEGV);
    CHECK(output_of(events) == "out 333\nerr 333\n");
    events.clear();
    REQUIRE(testing::wait_for_idle(*force.executor, 2 * mode.options.threads, events));
    force.executor->start(1, make_job(4, {Op::crash, 0}), {});
    testing::wait_for(*force.executor, 1, events);
    CHECK(output_of(events).empty());
  }
}

TEST_CASE("nothing that a worker writes reaches the terminal", "[workers]") {
  const NothingLeft check;
  Pipe out = Pipe::make();
  const int result = testing::in_child([&] {
    ::dup2(out.write.get(), 1);
    ::dup2(out.write.get(), 2);
    Workforce force = testing::make_test_workforce(testing::processes(1));
    testing::run_one(*force.executor, 1, make_job(1, {Op::say, 1}));
    return 0;
  });
  CHECK(result == 0);
  out.write.close();
  char byte = 0;
  CHECK(::read(out.read.get(), &byte, 1) == 0);
}

TEST_CASE("a flood of a gigabyte costs no memory, and the others go on", "[workers]") {
  const NothingLeft check;
  Workforce force = testing::make_test_workforce(testing::processes(2));
  testing::run_one(*force.executor, 2, make_job(1, {Op::nothing, 0}));
  const std::uint64_t before = testing::own_memory();
  std::vector<Event> events;
  force.executor->start(1, make_job(2, {Op::flood, 1024}), {});
  std::uint64_t id = 10, others = 0;
  bool flooding = true;
  while (flooding) {
    if (force.executor->workers()[1].idle_slots > 0) force.executor->start(2, make_job(++id, {Op::nothing, 0}), {});
    for (const Completion& completion : testing::wait_for(*force.executor, 1, events)) {
      CHECK(completion.outcome == Outcome::done);
      if (completion.id == 2) flooding = false;
      others += completion.id != 2;
    }
    events.clear();
  }
  CHECK(others >= 20);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::uint64_t kMayGrow = 256 << 20;  // freed memory is kept back, a quarter of the flood at most
#else
  constexpr std::uint64_t kMayGrow = 8 << 20;
#endif
  CHECK(testing::own_memory() < before + kMayGrow);
  if (force.executor->workers()[1].idle_slots == 0) testing::wait_for(*force.executor, 1, events);
  events.clear();
  force.executor->start(1, make_job(3, {Op::say_and_crash, 3}), {});
  testing::wait_for(*force.executor, 1, events);
  CHECK(output_of(events) == "out 3\nerr 3\n");
}

}  // namespace
}  // namespace tessera::workers
