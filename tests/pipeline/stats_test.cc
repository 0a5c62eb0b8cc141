// What --stats says: in every mode all of the slots' time, in rows that add up, and no other output.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <thread>

#include "pipeline/trace.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace {

using Words = std::vector<std::string>;
using nlohmann::json;

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const Words kJob{"-r", "--resize", "800x800>", "-s", "gaussian 2", "--format", "jpeg"};

json stats_of(const ProgramResult& result) {
  INFO(result.err);
  REQUIRE(result.code == 0);
  return json::parse(result.out).at("stats");
}

double sum(const json& object) {
  double total = 0;
  for (const auto& [key, value] : object.items()) total += value.get<double>();
  return total;
}

workers::Completion answer(std::uint64_t job, workers::Outcome outcome, std::uint32_t phase_us) {
  workers::Completion completion;
  completion.id = job;
  completion.outcome = outcome;
  completion.cpu_ns = 1000;
  pipeline::CompletionPayload payload{};
  payload.phases_us.fill(phase_us);
  pipeline::put_payload(payload, completion.payload);
  return completion;
}

}  // namespace

TEST_CASE("the rows of the stats add up to the slots' time in every mode", "[stats]") {
  struct Way {
    Words flags;
    std::size_t slots;
  };
  const std::vector<Way> ways{{{"--mode", "serial"}, 1},
                              {{"--mode", "threads", "-j2"}, 2},
                              {{"--mode", "processes", "-j2"}, 2},
                              {{"--mode", "processes", "-j2", "--threads", "2"}, 4},
                              {{"--mode", "processes", "-j2", "--tiling", "spread"}, 2}};
  for (const Way& way : ways) {
    INFO(fmt::format("{}", fmt::join(way.flags, " ")));
    const TemporaryFolder folder;
    const ProgramResult result =
        run_program(Words{"run", sample_photos(), "-o", folder / "out", "--json", "--stats", "-q"} + kJob + way.flags);
    const json stats = stats_of(result);
    const json report = json::parse(result.out);
    CHECK(stats.at("slots").size() == way.slots);
    const auto total = stats.at("slot_seconds").get<double>(), wall = stats.at("wall").get<double>();
    CHECK(total == Approx(wall * static_cast<double>(way.slots)));
    CHECK(sum(stats.at("seconds")) == Approx(total));
    CHECK(wall <= report.at("seconds").get<double>() + 1e-3);
    for (const auto& [row, seconds] : stats.at("seconds").items()) {
      INFO(row);
      CHECK(seconds.get<double>() >= 0);
    }
    for (const char* row : {"probe", "plan", "decode", "stages", "encode", "handing_over"})
      CHECK(stats.at("seconds").at(row).get<double>() > 0);
    CHECK(stats.at("seconds").at("unsuccessful").get<double>() == 0);
    double waiting = 0;
    std::uint64_t jobs = 0;
    for (const auto& slot : stats.at("slots")) {
      waiting += slot.at("waiting").get<double>();
      jobs += slot.at("jobs").get<std::uint64_t>();
    }
    CHECK(waiting == Approx(stats.at("seconds").at("waiting").get<double>()).margin(1e-9));
    CHECK(jobs == stats.at("jobs").get<std::uint64_t>());
    CHECK(jobs - stats.at("jobs_declined").get<std::uint64_t>() >= 8);
    CHECK(stats.at("job_cpu").get<double>() > 0);
    CHECK(stats.at("coordinator_cpu").get<double>() >= 0);
    CHECK(stats.at("publishing").get<double>() > 0);
    CHECK(report.at("peak_memory").get<std::uint64_t>() <= stats.at("memory_limit").get<std::uint64_t>());
  }
}

TEST_CASE("stats are said even to who wants quiet, and change no output", "[stats]") {
  const TemporaryFolder folder;
  const Words job = kJob + Words{"--mode", "processes", "-j2", "-q"};
  const ProgramResult plain = run_program(Words{"run", sample_photos(), "-o", folder / "plain"} + job);
  const ProgramResult told = run_program(Words{"run", sample_photos(), "-o", folder / "told", "--stats"} + job);
  CHECK(plain.code == 0);
  CHECK(told.code == 0);
  CHECK(plain.err.empty());
  CHECK((tree(folder / "plain") == tree(folder / "told")));
  CHECK(told.err.starts_with("where the time went: 2 slots, "));
  for (const char* words : {"decoding ", "encoding ", "waiting for work ",
                            "slot 1.0: ", "slot 2.0: ", "jobs: ", "publishing and journal ", "files: 9 images, "})
    CHECK(told.err.find(words) != std::string::npos);
  CHECK(told.err.find("without result") == std::string::npos);
  const ProgramResult json = run_program(Words{"run", sample_photos(), "-o", folder / "json", "--json"} + job);
  CHECK_FALSE(json::parse(json.out).contains("stats"));
}

TEST_CASE("the time of a picture that fails is no step's", "[stats]") {
  const TemporaryFolder folder;
  write_photos(folder / "in", 2);
  write_file(folder / "in/broken.jpg", read_file(folder / "in/p00.jpg").substr(0, 20'000));
  const ProgramResult result = run_program(
      {"run", folder / "in", "-o", folder / "out", "--mode", "processes", "-j1", "-s", "invert", "--json", "--stats"});
  CHECK(result.code == 1);
  const json stats = json::parse(result.out).at("stats");
  CHECK(stats.at("jobs_unsuccessful") == 1);
  CHECK(stats.at("seconds").at("unsuccessful").get<double>() > 0);
  CHECK(sum(stats.at("seconds")) == Approx(stats.at("slot_seconds").get<double>()));
}

TEST_CASE("a worker cannot claim more time for its steps than its job had", "[stats]") {
  pipeline::RunStats stats;
  pipeline::Trace events("", &stats);
  events.began(std::vector<workers::Executor::Worker>{{1, 1, 1, true}});
  events.started({7, 0, 1, 0, pipeline::JobKind::whole, "a.jpg"});
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  events.answered(answer(7, workers::Outcome::done, 4'000'000'000));
  events.started({8, 1, 1, 0, pipeline::JobKind::whole, "b.jpg"});
  events.answered(answer(8, workers::Outcome::failed, 50));
  events.started({9, 1, 1, 1, pipeline::JobKind::whole, "b.jpg"});
  events.answered(answer(9, workers::Outcome::declined, 0));
  events.answered(answer(9, workers::Outcome::done, 9));  // is no job any more
  events.ended({}, {});
  pipeline::RunStats::Duration phases{};
  for (std::size_t i = 0; i < pipeline::kPhases; ++i) phases += stats.phase(i);
  CHECK(phases >= std::chrono::milliseconds(2));
  CHECK(phases <= stats.wall());
  CHECK(phases + stats.handing_over() + stats.unsuccessful() + stats.waiting() == stats.total());
  CHECK(stats.jobs() == 3);
  CHECK(stats.jobs_declined() == 1);
  CHECK(stats.jobs_unsuccessful() == 1);
  CHECK(stats.cpu_ns() == 3000);
  CHECK(stats.slots().at({1, 0}).jobs == 3);
}

}  // namespace tessera::tests
