// What --trace writes: in every mode the same story of the same images, true to the clock, and no other output.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <set>
#include <thread>

#include "pipeline/compare/trace_file.h"
#include "pipeline/trace.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace {

using pipeline::RunTrace;
using pipeline::TracedJob;
using Words = std::vector<std::string>;

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct Way {
  Words flags;
  std::size_t slots;
  bool channels;
};
const std::vector<Way> kWays{{{"--mode", "serial"}, 1, false},
                             {{"--mode", "threads", "-j2"}, 2, false},
                             {{"--mode", "processes", "-j2"}, 2, true},
                             {{"--mode", "processes", "-j2", "--threads", "2"}, 4, true},
                             {{"--mode", "serial", "--tiling", "spread"}, 1, false},
                             {{"--mode", "processes", "-j2", "--tiling", "spread"}, 2, true}};
const Words kJob{"-r", "--resize", "800x800>", "-s", "gaussian 2", "--format", "jpeg", "-q"};

RunTrace traced_run(const TemporaryFolder& folder, const Words& flags) {
  const std::string trace = folder / "trace.json";
  const ProgramResult result =
      run_program(Words{"run", sample_photos(), "-o", folder / "out", "--trace", trace} + kJob + flags);
  INFO(result.err);
  REQUIRE(result.code == 0);
  return pipeline::read_trace(trace);
}

double sum_of_phases(const TracedJob& job) {
  double sum = 0;
  for (const auto& [phase, seconds] : job.phases_s) sum += seconds;
  return sum;
}

/// Jobs of one slot, in the order of their beginnings.
std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<TracedJob>> by_slot(const RunTrace& trace) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<TracedJob>> slots;
  for (const TracedJob& job : trace.jobs) slots[{job.worker, job.slot}].push_back(job);
  return slots;
}

}  // namespace

TEST_CASE("a trace tells of every image once and of every slot, in every mode", "[trace]") {
  for (const Way& way : kWays) {
    INFO(fmt::format("{}", fmt::join(way.flags, " ")));
    const TemporaryFolder folder;
    const auto before = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    const RunTrace trace = traced_run(folder, way.flags);
    const auto after = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    CHECK(trace.ended);
    CHECK(trace.open.empty());
    CHECK(trace.slots.size() == way.slots);
    CHECK(trace.done_s.size() == 9);
    CHECK(trace.opened == 9);
    CHECK(trace.sources.size() == 9);
    CHECK(std::filesystem::path(trace.sources.at(0)).parent_path() == sample_photos());
    double megapixels = 0;
    for (const auto& row : manifest(folder / "out"))
      megapixels += row.at("original_width").get<double>() * row.at("original_height").get<double>() / 1e6;
    CHECK(trace.megapixels == Approx(megapixels));
    CHECK((trace.messages > 0) == way.channels);
    CHECK((trace.channel_bytes > 0) == way.channels);
    CHECK(trace.forks == (way.channels ? 2 : 0));
    CHECK(trace.deaths == 0);
    REQUIRE(!trace.jobs.empty());
    CHECK(trace.jobs.front().begin_s >= before);
    CHECK(trace.done_s.back() <= after);
    CHECK((by_slot(trace).size() > 1) == (way.slots > 1));
    for (const auto& [slot, jobs] : by_slot(trace)) {
      CHECK(trace.slots.contains(slot));
      for (std::size_t i = 1; i < jobs.size(); ++i) CHECK(jobs[i].begin_s >= jobs[i - 1].end_s - 1e-6);
    }
  }
}

TEST_CASE("the phases of a job are within its time and are most of its work", "[trace]") {
  for (const Way& way : kWays) {
    INFO(fmt::format("{}", fmt::join(way.flags, " ")));
    const TemporaryFolder folder;
    const RunTrace trace = traced_run(folder, way.flags);
    double phases = 0, work = 0, cpu = 0;
    std::set<std::string> kinds, seen;
    for (const TracedJob& job : trace.jobs) {
      if (job.outcome == "declined") continue;
      kinds.insert(job.kind);
      CHECK(job.outcome == "done");
      CHECK(sum_of_phases(job) <= job.end_s - job.begin_s + 1e-5);
      phases += sum_of_phases(job);
      cpu += job.cpu_s;
      for (const auto& [phase, seconds] : job.phases_s) {
        seen.insert(phase);
        if (phase == "decode" || phase == "stages" || phase == "encode") work += seconds;
      }
    }
    const bool spreads = way.flags.back() == "spread";
    CHECK(kinds ==
          (spreads ? std::set<std::string>{"decode", "band", "encode", "hash"} : std::set<std::string>{"whole"}));
    for (const char* phase : {"probe", "plan", "decode", "stages", "encode"}) CHECK(seen.contains(phase));
    CHECK(work > 0.5 * phases);
    CHECK(phases > 0.5 * cpu);
  }
}

TEST_CASE("rows that are decoded while stages run count as decoding", "[trace]") {
  const TemporaryFolder folder;
  write_photos(folder / "in", 1, 2400, 1800);  // much to decode, and next to nothing to do
  const Words run{"run", folder / "in", "--mode", "serial", "-s", "invert", "--resize", "32x32", "--full-decode"};
  std::map<std::string, double> least;  // of several runs: others use this machine, too
  for (int i = 0; i < 5; ++i) {
    const ProgramResult result =
        run_program(run + Words{"-o", folder / fmt::format("out{}", i), "--trace", folder / "trace.json"});
    INFO(result.err);
    REQUIRE(result.code == 0);
    const RunTrace trace = pipeline::read_trace(folder / "trace.json");
    const auto done = std::ranges::find(trace.jobs, "done", &TracedJob::outcome);  // the first asks for memory
    REQUIRE(done != trace.jobs.end());
    for (const auto& [phase, seconds] : done->phases_s)
      least[phase] = std::min(least.try_emplace(phase, seconds).first->second, seconds);
  }
  CHECK(least.contains("stages"));
  CHECK(least.at("decode") > 3 * least.at("encode"));
  CHECK(least.at("decode") > least.at("probe") + least.at("plan"));
}

TEST_CASE("a run makes the same bytes with a trace and without", "[trace]") {
  const TemporaryFolder folder;
  const Words job = Words{"--mode", "processes", "-j2"} + kJob;
  REQUIRE(run_program(Words{"run", sample_photos(), "-o", folder / "plain"} + job).code == 0);
  REQUIRE(run_program(Words{"run", sample_photos(), "-o", folder / "traced", "--trace", folder / "t"} + job).code == 0);
  CHECK((tree(folder / "plain") == tree(folder / "traced")));
  CHECK(read_file(folder / "plain/.tessera/manifest.jsonl") == read_file(folder / "traced/.tessera/manifest.jsonl"));
}

TEST_CASE("the trace of a run that was killed tells what was being done", "[trace]") {
  const TemporaryFolder folder;
  write_photos(folder / "in", 24);
  Program program({"run", folder / "in", "-o", folder / "out", "--mode", "threads", "-j2", "-s", "median 4", "-q",
                   "--trace", folder / "trace"});
  const auto answered = [&] {
    try {
      return !pipeline::read_trace(folder / "trace").jobs.empty();
    } catch (const std::runtime_error&) {
      return false;  // not there yet
    }
  };
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!answered() && program.running() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  REQUIRE(program.running());
  ::kill(program.pid(), SIGKILL);
  REQUIRE(program.finish().code == 128 + SIGKILL);
  const RunTrace trace = pipeline::read_trace(folder / "trace");
  CHECK_FALSE(trace.ended);
  CHECK(trace.open.size() >= 1);
  CHECK(trace.open.size() <= 2);
  for (const TracedJob& job : trace.open) {
    CHECK(job.kind == "whole");
    CHECK(trace.sources.contains(job.image));
  }
  CHECK(trace.opened == trace.jobs.size() + trace.open.size());
  CHECK(trace.jobs.size() < 24);
}

TEST_CASE("a trace that cannot be made is said before anything is done", "[trace]") {
  const TemporaryFolder folder;
  const auto run = [&](const std::string& trace) {
    return run_program(Words{"run", sample_photos(), "-o", folder / "out", "--trace", trace} + kJob);
  };
  write_photos(folder / "in", 1);
  const std::string photo = folder / "in/p00.jpg";
  const std::string bytes = read_file(photo);
  const ProgramResult picture = run(photo);
  CHECK(picture.code == 2);
  CHECK(picture.err.find("is no trace") != std::string::npos);
  CHECK(read_file(photo) == bytes);
  const ProgramResult nowhere = run(folder / "none/trace");
  CHECK(nowhere.code == 2);
  CHECK(nowhere.err.find("No such file") != std::string::npos);
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(run(folder / "pipe").err.find("no regular file") != std::string::npos);
  CHECK(tree(folder / "out").empty());
}

TEST_CASE("a disk that is full for the trace is said once, and the batch goes on", "[trace]") {
  const TemporaryFolder folder;
  const ProgramResult result =
      run_program(Words{"run", sample_photos(), "-o", folder / "out", "--trace", "/dev/full"} + kJob);
  CHECK(result.code == 0);
  CHECK(tree(folder / "out").size() == 9);
  const std::size_t said = result.err.find("the trace ends here");
  REQUIRE(said != std::string::npos);
  CHECK(result.err.find("the trace ends here", said + 1) == std::string::npos);
}

TEST_CASE("a worker's word on its phases is cut to the time of its job, and slots never overlap", "[trace]") {
  const TemporaryFolder folder;
  {
    pipeline::Trace trace(folder / "trace");
    trace.began(std::vector<workers::Executor::Worker>{{1, 2, 2, true}});
    trace.started({7, 3, 1, 0, pipeline::JobKind::whole, "a\xff.jpg"});
    trace.started({8, 4, 1, 0, pipeline::JobKind::whole, "b.jpg"});
    workers::Completion first;
    first.id = 7;
    first.slot = 1;
    pipeline::CompletionPayload payload{};
    payload.phases_us.fill(4'000'000'000);
    pipeline::put_payload(payload, first.payload);
    trace.answered(first);
    workers::Completion second;
    second.id = 8;
    second.slot = 1;  // it took the job while its answer was under way
    second.outcome = workers::Outcome::crashed;
    trace.died(1);
    trace.answered(second);
    trace.answered(second);  // is no job any more
    trace.ended({}, {10, 9, 80, 2, 1});
  }
  const RunTrace trace = pipeline::read_trace(folder / "trace");
  REQUIRE(trace.jobs.size() == 2);
  CHECK(sum_of_phases(trace.jobs[0]) <= trace.jobs[0].end_s - trace.jobs[0].begin_s);
  CHECK(trace.jobs[1].phases_s.empty());
  CHECK(trace.jobs[1].outcome == "crashed");
  CHECK(trace.jobs[1].begin_s >= trace.jobs[0].end_s - 1e-9);
  CHECK(trace.sources.at(3) == "a\xEF\xBF\xBD.jpg");
  CHECK(trace.messages == 19);
  CHECK(trace.channel_bytes == 80);
  CHECK(trace.forks == 2);
  CHECK(trace.deaths == 1);
  // As JSON it is whole, too.
  const auto events = nlohmann::json::parse(read_file(folder / "trace"));
  CHECK(std::ranges::count_if(events, [](const auto& e) { return e.at("name") == "death"; }) == 1);
}

}  // namespace tessera::tests
