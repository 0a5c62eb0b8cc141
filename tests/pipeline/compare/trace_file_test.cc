// Traces made by hand: what is read from them, and what follows.
#include "pipeline/compare/trace_file.h"

#include <catch2/catch.hpp>

#include "tests/pipeline/temp_folder.h"

namespace tessera::pipeline {
namespace {

TracedJob job(std::uint32_t worker, std::uint32_t slot, double begin_s, double end_s) {
  TracedJob made;
  made.worker = worker;
  made.slot = slot;
  made.begin_s = begin_s;
  made.end_s = end_s;
  made.kind = "whole";
  made.outcome = "done";
  return made;
}

const std::string kWhole =
    R"({"name":"whole","ph":"X","pid":2,"tid":1,"ts":3000000,"dur":500000,"args":{"image":4,"job":9,"attempt":1,)"
    R"("outcome":"done","cpu_us":400000,"phases_us":{"decode":250000,"encode":125000}}},)";
const std::string kStart =
    R"({"name":"start","ph":"i","s":"p","pid":2,"tid":0,"ts":2900000,"args":{"image":4,"job":9,"attempt":1,)"
    R"("kind":"whole","source":"a.jpg"}},)";
const std::string kDeclined =
    R"({"name":"whole","ph":"X","pid":1,"tid":0,"ts":1000000,"dur":1,"args":{"image":5,"job":8,"attempt":0,)"
    R"("outcome":"declined","cpu_us":1}},)";
const std::string kClosed =
    R"({"name":"closed","ph":"i","pid":0,"tid":0,"ts":5000000,"args":{"image":4,"status":"done","megapixels":12.5}},)";
const std::string kFailed =
    R"({"name":"closed","ph":"i","pid":0,"tid":0,"ts":4000000,"args":{"image":6,"status":"failed","megapixels":2}},)";

}  // namespace

TEST_CASE("slot use of a hand-made trace is exact", "[trace]") {
  RunTrace trace;
  // Slot (1, 0): busy 10..13 and 14..18; slot (2, 0): 10..12. The end is at 18.
  trace.jobs = {job(1, 0, 10, 13), job(2, 0, 10, 12), job(1, 0, 14, 18)};
  const SlotUse two = slot_use(trace, 2);
  CHECK(two.span_s == Approx(8));
  CHECK(two.utilisation == Approx(9.0 / 16));
  CHECK(two.imbalance == Approx(7 / 4.5 - 1));
  CHECK(two.tail_s == Approx(6));
  const SlotUse three = slot_use(trace, 3);  // one never worked
  CHECK(three.utilisation == Approx(9.0 / 24));
  CHECK(three.imbalance == Approx(7.0 / 3 - 1));
  CHECK(three.tail_s == Approx(8));
}

TEST_CASE("a perfectly balanced trace has no imbalance and no tail", "[trace]") {
  RunTrace trace;
  trace.jobs = {job(1, 0, 1, 3), job(1, 1, 1, 3), job(2, 0, 1, 2), job(2, 0, 2, 3)};
  const SlotUse use = slot_use(trace, 3);
  CHECK(use.utilisation == Approx(1));
  CHECK(use.imbalance == Approx(0).margin(1e-12));
  CHECK(use.tail_s == Approx(0).margin(1e-12));
}

TEST_CASE("a trace without a job has no use and no span", "[trace]") {
  const SlotUse use = slot_use({}, 4);
  CHECK(use.span_s == 0);
  CHECK(use.utilisation == 0);
  CHECK(use.imbalance == 0);
  CHECK(use.tail_s == 0);
}

TEST_CASE("what a trace says is read as it was written", "[trace]") {
  const TempFolder folder;
  const std::string text = "[\n" + kStart + "\n" + kDeclined + "\n" + kWhole + "\n" + kClosed + "\n" + kFailed + "\n";
  const RunTrace trace = read_trace(folder.file("t", text));
  REQUIRE(trace.jobs.size() == 2);
  CHECK(trace.jobs[0].outcome == "declined");  // by begin
  const TracedJob& whole = trace.jobs[1];
  CHECK(whole.worker == 2);
  CHECK(whole.slot == 1);
  CHECK(whole.begin_s == Approx(3.0));
  CHECK(whole.end_s == Approx(3.5));
  CHECK(whole.image == 4);
  CHECK(whole.job == 9);
  CHECK(whole.attempt == 1);
  CHECK(whole.cpu_s == Approx(0.4));
  CHECK(whole.phases_s == std::map<std::string, double>{{"decode", 0.25}, {"encode", 0.125}});
  CHECK(trace.open.empty());
  CHECK(trace.opened == 1);
  CHECK(trace.sources == std::map<std::uint64_t, std::string>{{4, "a.jpg"}});
  CHECK(trace.done_s == std::vector<double>{5.0});
  CHECK(trace.megapixels == Approx(12.5));
  CHECK_FALSE(trace.ended);
}

TEST_CASE("a job that was started and not answered is open", "[trace]") {
  const TempFolder folder;
  const RunTrace trace = read_trace(folder.file("t", "[\n" + kStart + "\n"));
  REQUIRE(trace.open.size() == 1);
  CHECK(trace.open[0].kind == "whole");
  CHECK(trace.open[0].begin_s == Approx(2.9));
  CHECK(trace.opened == 1);
  CHECK(trace.jobs.empty());
}

TEST_CASE("a cut last line is no error, a line before it that is none is", "[trace]") {
  const TempFolder folder;
  CHECK(read_trace(folder.file("cut", "[\n" + kStart + "\n" + kWhole.substr(0, 50))).open.size() == 1);
  CHECK_THROWS_WITH(read_trace(folder.file("bad", "[\n" + kWhole.substr(0, 50) + "\n" + kStart + "\n")),
                    Catch::EndsWith("bad:2: that is no event of a trace"));
  CHECK_THROWS_WITH(read_trace(folder.file("other", "hello\n")), Catch::EndsWith("is no trace of a run"));
  CHECK_THROWS_WITH(read_trace(folder.file("empty", "")), Catch::EndsWith("is no trace of a run"));
  CHECK_THROWS_WITH(read_trace(folder / "none"), Catch::Contains("No such file"));
}

TEST_CASE("a timeline shows every slot from the launch on", "[trace]") {
  RunTrace trace;
  trace.slots = {{1, 0}, {2, 0}};
  trace.jobs = {job(1, 0, 10.25, 11), job(1, 0, 11.5, 12)};
  trace.sources[0] = "a.jpg";
  const std::chrono::steady_clock::time_point launched(std::chrono::seconds(10));
  CHECK(timeline_json(trace, launched) == Json::parse(R"({"span_s": 2.0, "slots": [
    {"worker": 1, "slot": 0, "jobs": [
      {"begin_s": 0.25, "end_s": 1.0, "kind": "whole", "outcome": "done", "source": "a.jpg"},
      {"begin_s": 1.5, "end_s": 2.0, "kind": "whole", "outcome": "done", "source": "a.jpg"}]},
    {"worker": 2, "slot": 0, "jobs": []}]})"));
}

}  // namespace tessera::pipeline
