#include "pipeline/compare/recommendation.h"

#include <catch2/catch.hpp>

#include "tests/pipeline/compare/sample_runs.h"

namespace tessera::tests {
namespace {

struct Row {
  std::string rule;
  std::vector<SampleRun> configurations;
  std::string chosen;
  std::vector<std::string> why;  // parts of it
  int runs = 10;
};

TEST_CASE("the recommended command is as fast as any, then isolated, then small") {
  const SampleRun serial{"serial", "serial", 1, 1, 3.3, 44};
  const std::vector<Row> rows{
      {"isolation at no cost is taken",
       {serial, {"threads -j2", "threads", 1, 2, 1.692, 70}, {"processes -j2", "processes", 2, 1, 1.7, 92}},
       "processes -j2",
       {"processes -j2 takes ", "within noise", "costs itself and no other",
        "92 MB of memory at its peak, 22 MB more than threads -j2"}},
      {"the fastest of all is isolated",
       {serial, {"threads -j2", "threads", 1, 2, 1.8, 95}, {"processes -j2", "processes", 2, 1, 1.7, 92}},
       "processes -j2",
       {"processes -j2 took the least time of Tessera's configurations (1.70 s)",
        "It takes 92 MB of memory at its peak."}},
      {"processes before hybrid",
       {{"hybrid -j1 --threads 2", "hybrid", 1, 2, 1.7, 60}, {"processes -j2", "processes", 2, 1, 1.7, 92}},
       "processes -j2",
       {}},
      {"hybrid where processes are slower beyond noise",
       {{"hybrid -j1 --threads 2", "hybrid", 1, 2, 1.7, 60}, {"processes -j2", "processes", 2, 1, 1.9, 92}},
       "hybrid -j1 --threads 2",
       {"ends that worker and not the run"}},
      {"less memory among equals",
       {{"processes -j2", "processes", 2, 1, 1.7, 160}, {"processes -j4", "processes", 4, 1, 1.7, 92}},
       "processes -j4",
       {}},
      {"fewer workers where memory is about the same",
       {{"processes -j4", "processes", 4, 1, 1.697, 91}, {"processes -j2", "processes", 2, 1, 1.7, 92}},
       "processes -j2",
       {}},
      {"isolation that costs less than 5 % is worth it, and the cost is said",
       {serial, {"threads -j2", "threads", 1, 2, 1.7, 70}, {"processes -j2", "processes", 2, 1, 1.751, 92}},
       "processes -j2",
       {"% behind threads -j2, beyond noise"}},
      {"isolation that costs more is named beside the faster, with the risk",
       {serial, {"threads -j2", "threads", 1, 2, 1.7, 70}, {"processes -j2", "processes", 2, 1, 1.9, 92}},
       "threads -j2",
       {"processes -j2, the best that isolates, takes 1", "% longer", "The risk:", "--resume"}},
      {"isolation that is slower within noise is taken, however far the medians are apart",
       {{"threads -j2", "threads", 1, 2, 1.7, 70, 0.4}, {"processes -j2", "processes", 2, 1, 1.95, 92, 0.4}},
       "processes -j2",
       {"% behind threads -j2, within noise"}},
      {"noise is no reason to take the slower of two that isolate",
       {{"processes -j1", "processes", 1, 1, 2.1, 40, 0.4}, {"processes -j2", "processes", 2, 1, 1.7, 92, 0.4}},
       "processes -j2",
       {"took the least time"}},
      {"with too few runs isolation may cost 5 % of the median, no more",
       {{"threads -j2", "threads", 1, 2, 1.7, 70}, {"processes -j2", "processes", 2, 1, 1.95, 92}},
       "threads -j2",
       {"processes -j2, the best that isolates, takes 1", "The risk:"},
       3},
      {"nothing isolated was compared",
       {serial, {"threads -j2", "threads", 1, 2, 1.7, 70}},
       "threads -j2",
       {"no configuration that isolates was compared", "The risk:"}},
      {"a peer is never recommended",
       {{"xargs", "", 1, 1, 0.5, 10}, {"processes -j2", "processes", 2, 1, 1.7, 92}},
       "processes -j2",
       {"took the least time"}},
      {"with too few runs medians decide, and it is said",
       {{"threads -j2", "threads", 1, 2, 1.70, 70},
        {"processes -j1", "processes", 1, 1, 3.3, 40},
        {"processes -j2", "processes", 2, 1, 1.74, 92}},
       "processes -j2",
       {"Undecided: too few runs (3, needed: 6). By the medians alone, processes -j2 takes", "not tested"},
       3},
  };
  for (const Row& row : rows) {
    INFO(row.rule);
    const Json runs = judged(row.configurations, 2, row.runs);
    const Json& recommendation = runs.at("recommendation");
    CHECK(runs.at("configurations")[recommendation.at("configuration").get<std::size_t>()].at("name") == row.chosen);
    CHECK(recommendation.at("command") == "tessera run " + row.chosen);
    CHECK_THAT(recommendation.at("why"), Catch::StartsWith(row.runs < 6 ? "Undecided: too few runs" : row.chosen));
    for (const std::string& part : row.why) CHECK_THAT(recommendation.at("why"), Catch::Contains(part));
  }
}

}  // namespace
}  // namespace tessera::tests
