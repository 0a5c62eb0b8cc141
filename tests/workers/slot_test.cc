#include "workers/slot.h"

#include <catch2/catch.hpp>

#include "tests/workers/support.h"

namespace tessera::workers {
namespace {

using testing::make_job;
using testing::Op;

/// One slot of window 1 of two, in this process; no executor.
struct Fixture {
  Fixture() : arena(windows, 1 << 20, status_page_bytes()) {}
  Completion run(const Job& job) {
    return run_job(site, 0, job, {}, [this](const Progress& p) { reports.push_back(p.value); });
  }
  Windows windows{Backing::private_memory, 2, 1 << 20, 1 << 20};
  Arena arena;
  Windows::View view = windows.map_for(1);
  Run job_runner = testing::run_test_job;
  Site site{view, BoardReader(windows.board(), 2), 1, 1, job_runner};
  std::vector<std::uint32_t> reports;
};

TEST_CASE("blocks outside what may be touched are refused", "[workers]") {
  Fixture f;
  const Lease lease = testing::lease_one(f.arena, 1, 100), foreign = testing::lease_one(f.arena, 2, 100),
              table = testing::lease_one(f.arena, kBoard, 100);
  const auto verdict = [&](Op op, Block block) {
    const Completion completion = f.run(make_job(1, {op, 0}, block));
    if (completion.outcome == Outcome::done) return std::string("fine");
    CHECK(completion.outcome == Outcome::failed);
    CHECK(completion.reason == (block.generation == 1 ? kException : kBlockLost));
    return testing::text_of(completion);
  };
  CHECK(verdict(Op::write, lease.block()) == "fine");
  CHECK(verdict(Op::sum, lease.block()) == "fine");
  CHECK(verdict(Op::sum, foreign.block()) == "fine");
  CHECK(verdict(Op::sum, table.block()) == "fine");
  CHECK(verdict(Op::write, foreign.block()) == "Window 2 is not this worker's own, which is window 1.");
  CHECK(verdict(Op::write, table.block()) == "Window 0 is not this worker's own, which is window 1.");
  CHECK(verdict(Op::sum, {3, 1, 0, 1}) == "There is no window 3; the last one is 2.");

  for (const Op op : {Op::sum, Op::write}) {
    Block block = lease.block();
    block.generation = 0;
    CHECK(verdict(op, block) == "The block is of generation 0 of window 1, which is at generation 1 now.");
    CHECK(verdict(op, {1, 1, 0, 1}) == "1 bytes at offset 0 lie outside what can be leased in window 1.");
    CHECK(verdict(op, {1, 1, (1 << 20) - 1, 2}) ==
          "2 bytes at offset 1048575 lie outside what can be leased in window 1.");
    CHECK(verdict(op, {1, 1, (1 << 20) - 1, 1}) == "fine");
    CHECK(verdict(op, {1, 1, 8192, ~std::uint64_t{0} - 100}) != "fine");  // offset + bytes wraps round
    CHECK(verdict(op, {1, 1, ~std::uint64_t{0} - 100, 4096}) != "fine");
  }
  CHECK(verdict(Op::sum, {kBoard, 1, 0, 8}) == "8 bytes at offset 0 lie outside what can be leased in window 0.");
}

TEST_CASE("a block of an earlier generation is refused", "[workers]") {
  Fixture f;
  const Lease lost = testing::lease_one(f.arena, 2, 100);
  f.arena.forget(2);
  const Completion completion = f.run(make_job(1, {Op::sum, 0}, lost.block()));
  CHECK(completion.outcome == Outcome::failed);
  CHECK(completion.reason == kBlockLost);
  CHECK(testing::text_of(completion) == "The block is of generation 1 of window 2, which is at generation 2 now.");
}

TEST_CASE("a block that is lost while the job reads voids the answer", "[workers]") {
  Fixture f;
  const Lease lease = testing::lease_one(f.arena, 2, 100);
  const bool loses = GENERATE(true, false);
  f.job_runner = [&](JobContext& context, Completion& completion) {
    testing::run_test_job(context, completion);
    if (loses) f.arena.forget(2);
  };
  const Completion completion = f.run(make_job(1, {Op::sum, 0}, lease.block()));
  CHECK(completion.outcome == (loses ? Outcome::failed : Outcome::done));
  CHECK(completion.reason == (loses ? kBlockLost : 0));
}

TEST_CASE("what a job throws becomes an answer", "[workers]") {
  Fixture f;
  const auto answer = [&](Op op) { return f.run(make_job(9, {op, 0})); };
  const Completion error = answer(Op::throw_error), memory = answer(Op::throw_bad_alloc),
                   number = answer(Op::throw_number), huge = answer(Op::throw_long), liar = answer(Op::bad_outcome);
  for (const Completion& completion : {error, memory, number, huge, liar}) {
    CHECK(completion.outcome == Outcome::failed);
    CHECK(completion.id == 9);
    CHECK(completion.payload.back() == std::byte{0});
  }
  CHECK(error.reason == kException);
  CHECK(testing::text_of(error) == "The picture is upside down.");
  CHECK(memory.reason == kOutOfMemory);
  CHECK(testing::text_of(memory) == "out of memory");
  CHECK(testing::text_of(number) == "an exception that is not a std::exception");
  CHECK(testing::text_of(huge) == std::string(383, 'x'));
  CHECK(liar.reason == kException);
}

TEST_CASE("a descriptor that did not come is an error of the job", "[workers]") {
  Fixture f;
  const Completion completion = f.run(make_job(1, {Op::bad_fd, 0}));
  CHECK(completion.outcome == Outcome::failed);
  CHECK(testing::text_of(completion) == "Descriptor 0 was asked for, but 0 came with the job.");
}

TEST_CASE("a job's CPU time is its own", "[workers]") {
  Fixture f;
  const Completion busy = f.run(make_job(1, {Op::burn, 30})), idle = f.run(make_job(2, {Op::nothing, 0}));
  CHECK(busy.cpu_ns >= 29'000'000);
  CHECK(idle.cpu_ns < 20'000'000);
}

TEST_CASE("of many progress calls the first is passed on and most others are not", "[workers]") {
  Fixture f;
  f.run(make_job(1, {Op::progress, 100'000}));
  REQUIRE(!f.reports.empty());
  CHECK(f.reports.front() == 1);
  CHECK(f.reports.size() < 1000);
  CHECK(std::ranges::is_sorted(f.reports));
}

TEST_CASE("the status page says what a slot is doing and is empty again afterwards", "[workers]") {
  Fixture f;
  std::vector<LastStep> during;
  f.job_runner = [&](JobContext& context, Completion&) {
    context.step(42);
    during = read_status_page(f.windows, 1, 2);
  };
  f.run(make_job(6, {}));
  REQUIRE(during.size() == 2);
  CHECK(during[0].job == 6);
  CHECK(during[0].breadcrumb == 42);
  CHECK(during[1].job == 0);
  CHECK(read_status_page(f.windows, 1, 1)[0].job == 0);
}

}  // namespace
}  // namespace tessera::workers
