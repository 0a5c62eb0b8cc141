#include "pipeline/compare/verdict.h"

#include <catch2/catch.hpp>

#include "pipeline/compare/figures.h"
#include "pipeline/compare/pairs.h"
#include "pipeline/compare/sentences.h"
#include "tests/pipeline/compare/sample_runs.h"

namespace tessera::tests {
namespace {

using namespace pipeline;

std::string verdict(const Json& runs) {
  std::string text;
  for (const std::string sentence : runs.at("verdict")) text += sentence + "\n";
  return text;
}

const SampleRun kSerial{"serial", "serial", 1, 1, 3.3, 44};
const SampleRun kThreads{"threads -j2", "threads", 1, 2, 1.7, 70};
const SampleRun kProcesses{"processes -j2", "processes", 2, 1, 1.7, 92};

TEST_CASE("what does not differ beyond noise is called so") {
  const Json runs = judged({kSerial, kThreads, kProcesses});
  const std::string text = verdict(runs);
  CHECK_THAT(text, Catch::Contains("took the least time: 1.70 s for 43 pictures (25.3 images/s)"));
  CHECK_THAT(text, Catch::Contains("cannot be told from it: within noise."));
  CHECK_THAT(text, Catch::Contains("Threads against processes: threads -j2 and processes -j2: ") &&
                       Catch::Contains("% apart, within noise."));
  CHECK_THAT(text, Catch::Contains("costs no time that could be told from noise, and takes 22 MB more memory (92 MB "
                                   "against 70 MB) at the peak."));
  CHECK_THAT(text, !Catch::Contains("too few"));
  CHECK_THAT(text, !Catch::Contains("processes -j2 takes"));
  CHECK_THAT(text, Catch::Contains("serial takes 1.9"));
}

TEST_CASE("what differs beyond noise is called so with its figure, whichever way round") {
  const std::string slower = verdict(judged({kSerial, kThreads, {"processes -j2", "processes", 2, 1, 1.904, 60}}));
  CHECK_THAT(slower, Catch::Contains("Threads against processes: processes -j2 takes 12 % longer than threads -j2 ("));
  CHECK_THAT(slower, Catch::Contains("costs 12 % of time, and takes 10 MB less memory"));
  const std::string faster = verdict(judged({{"threads -j2", "threads", 1, 2, 1.904, 70}, kProcesses}));
  CHECK_THAT(faster, Catch::Contains("Threads against processes: threads -j2 takes 12 % longer than processes -j2 ("));
  CHECK_THAT(faster, Catch::Contains("costs no time (the processes are faster)"));
}

TEST_CASE("too few runs are said first, and nothing is called noise then") {
  const Json runs = judged({kSerial, kThreads, kProcesses, {"processes -j1", "processes", 1, 1, 3.3, 50}}, 2, 4);
  CHECK(runs.at("verdict")[0] == "4 runs cannot call any of 6 differences significant; --runs 7 can.");
  CHECK_THAT(verdict(runs), !Catch::Contains("noise"));
  CHECK_THAT(verdict(runs), Catch::Contains("Against it, ") && Catch::Contains(" were not tested: too few runs."));
  CHECK_THAT(verdict(runs), Catch::Contains("% apart, not tested: too few runs."));
  CHECK_THAT(verdict(runs), !Catch::Contains("within noise"));
  for (const Json& pair : runs.at("pairs")) CHECK(pair.at("significant") == false);
  const Json enough = judged({kSerial, kThreads, kProcesses, {"processes -j1", "processes", 1, 1, 3.3, 50}}, 2, 7);
  CHECK_THAT(verdict(enough), !Catch::Contains("cannot call"));
  CHECK(difference(enough.at("pairs"), 0, 1).slower());
}

TEST_CASE("workers beyond the CPUs are judged against those within") {
  const SampleRun many{"processes -j4", "processes", 4, 1, 1.7, 163};
  CHECK_THAT(verdict(judged({kSerial, kProcesses, many})),
             Catch::Contains("More workers than the 2 CPUs did not help: processes -j4 and processes -j2: ") &&
                 Catch::Contains("within noise, with 71 MB more memory (163 MB against 92 MB)."));
  SampleRun other = many;
  other.seconds = 1.9;
  CHECK_THAT(verdict(judged({kSerial, kProcesses, other})),
             Catch::Contains("than the 2 CPUs did harm: processes -j4 takes"));
  other.seconds = 1.5;
  CHECK_THAT(verdict(judged({kSerial, kProcesses, other})),
             Catch::Contains("than the 2 CPUs helped: processes -j2 takes"));
  CHECK_THAT(verdict(judged({kSerial, kProcesses, many}, 4)), !Catch::Contains("More workers than"));
}

TEST_CASE("hybrid is held against as many processes") {
  const std::string text = verdict(judged({kProcesses, {"hybrid -j1 --threads 2", "hybrid", 1, 2, 1.7, 75}}));
  CHECK_THAT(text, Catch::Contains("Threads inside processes: hybrid -j1 --threads 2 and processes -j2: ") &&
                       Catch::Contains("hybrid takes 17 MB less memory (75 MB against 92 MB)."));
}

TEST_CASE("a peer is held against the fastest of Tessera's, with a warning") {
  const std::string faster = verdict(judged({kSerial, kProcesses, {"xargs", "", 1, 1, 1.36, 40}}));
  CHECK_THAT(faster, Catch::Contains("processes -j2 took the least time of Tessera's configurations: 1.70 s"));
  CHECK_THAT(faster, !Catch::Contains("xargs took"));
  CHECK_THAT(faster, !Catch::Contains("slowest: xargs") && !Catch::Contains("beyond noise: xargs"));
  CHECK_THAT(faster, Catch::Contains("fastest of Tessera's: processes -j2 takes 25 % longer than xargs (") &&
                         Catch::Contains("it may do other work."));
  const std::string slower = verdict(judged({kSerial, kProcesses, {"xargs", "", 1, 1, 3.74, 40}}));
  CHECK_THAT(slower, Catch::Contains("fastest of Tessera's: xargs takes 2.") &&
                         Catch::Contains(" times as long as processes -j2 ("));
}

TEST_CASE("a machine that others used is said") {
  CHECK_THAT(verdict(judged({kSerial, kProcesses}, 2, 10, 0.2)), Catch::Contains("Others used 20 % of the processors"));
  CHECK_THAT(verdict(judged({kSerial, kProcesses})), !Catch::Contains("Others used"));
}

TEST_CASE("scaling is that of the modes by their standard names, fitted over the CPUs that there are") {
  const Json runs = judged({{"processes -j4", "processes", 4, 1, 1.0, 90},
                            {"processes -j2", "processes", 2, 1, 1.8, 90},
                            {"processes -j8", "processes", 8, 1, 1.0, 90},
                            {"my own", "processes", 3, 1, 1.2, 90},
                            {"xargs", "", 1, 1, 1.1, 40},
                            {"serial", "serial", 1, 1, 3.4, 44}},
                           4);
  REQUIRE(runs.at("scaling").size() == 1);
  const Json& curve = runs.at("scaling")[0];
  CHECK(curve.at("mode") == "processes");
  CHECK(curve.at("baseline") == "serial");
  REQUIRE(curve.at("points").size() == 3);
  CHECK(curve.at("points")[0].at("slots") == 2);
  CHECK(curve.at("points")[1].at("slots") == 4);
  CHECK(curve.at("points")[2].at("slots") == 8);
  CHECK(curve.at("points")[1].at("configuration") == 0);
  const auto speedup = [&](std::size_t i) { return curve.at("points")[i].at("speedup").at("ratio").get<double>(); };
  const std::vector<std::pair<double, double>> within{{2, speedup(0)}, {4, speedup(1)}};
  CHECK(curve.at("serial_fraction") == serial_fraction(within));
  const std::string text = verdict(runs);
  CHECK_THAT(text, Catch::Contains("Scaling of processes: with 4 slots 3.") &&
                       Catch::Contains("times the speed of serial (4 would be ideal).") &&
                       Catch::Contains(" Amdahl's serial part is ") && Catch::Contains("no number of CPUs"));
  CHECK_THAT(text, !Catch::Contains("one point"));
  const std::string one = verdict(judged({kSerial, kProcesses}));
  CHECK_THAT(
      one, Catch::Contains("Amdahl's serial part by this one point: about ") && !Catch::Contains("no number of CPUs"));
}

TEST_CASE("noise and few runs make no law of Amdahl's") {
  const SampleRun serial{"serial", "serial", 1, 1, 1.7, 44, 0.3};
  const Json noise = judged({serial, {"threads -j2", "threads", 1, 2, 1.7, 70, 0.3}});
  CHECK(noise.at("scaling")[0].at("serial_fraction").is_null());
  CHECK_THAT(verdict(noise), Catch::Contains("Amdahl's serial part cannot be told"));
  const Json slower = judged({kSerial, {"threads -j2", "threads", 1, 2, 6.6, 70}});
  CHECK(slower.at("scaling")[0].at("serial_fraction").is_null());
  CHECK_THAT(verdict(slower), !Catch::Contains("no number of CPUs"));
  const Json few = judged({kSerial, kThreads}, 2, 3);
  CHECK(few.at("scaling")[0].at("serial_fraction").is_null());
  CHECK_THAT(verdict(few), Catch::Contains("cannot be told: too few runs.") && !Catch::Contains("Amdahl"));
}

TEST_CASE("a mode without a point beyond one slot is no scaling") {
  const Json runs = judged({kSerial, {"threads -j1", "threads", 1, 1, 3.4, 44}, kProcesses});
  REQUIRE(runs.at("scaling").size() == 1);
  CHECK(runs.at("scaling")[0].at("mode") == "processes");
  CHECK_THAT(verdict(runs), !Catch::Contains("Scaling of threads"));
}

TEST_CASE("pictures that failed are said, and the others are counted") {
  Json section = unjudged({kSerial, kProcesses});
  for (Json& c : section["configurations"]) c["failed"] = 3;
  RunSet set;
  set.paths.assign(43, "p.jpg");
  Random random(11);
  judge(section, set, 2, random);
  CHECK_THAT(verdict(section), Catch::Contains("3 of 43 pictures failed, in every configuration alike") &&
                                   Catch::Contains("for 40 pictures (23.5 images/s)"));
  CHECK_THAT(verdict(judged({kSerial, kProcesses})), !Catch::Contains("failed"));
}

TEST_CASE("where more slots gain nothing, the verdict says from where on") {
  const std::string text = verdict(judged({kSerial,
                                           {"threads -j2", "threads", 1, 2, 1.8, 70},
                                           {"threads -j3", "threads", 1, 3, 1.5, 70},
                                           {"threads -j4", "threads", 1, 4, 1.5, 70}},
                                          4));
  CHECK_THAT(text, Catch::Contains("From 3 slots on nothing is gained that could be told from noise."));
}

TEST_CASE("each configuration gets its time relative to the best, its speedup and its efficiency") {
  const Json runs = judged({kSerial, {"processes -j4", "processes", 4, 1, 1.65, 90}, {"xargs", "", 1, 1, 1.1, 40}});
  const Json& all = runs.at("configurations");
  // A peer is no yardstick.
  CHECK(all[0].at("relative").at("ratio").get<double>() == Approx(2).epsilon(0.01));
  CHECK(all[1].at("relative").at("ratio") == 1.0);
  CHECK(all[2].at("relative").at("ratio").get<double>() == Approx(2.0 / 3).epsilon(0.01));
  CHECK(all[2].at("speedup").is_null());
  CHECK(all[0].at("speedup").at("ratio") == 1.0);
  CHECK(all[1].at("speedup").at("ratio").get<double>() == Approx(2).epsilon(0.01));
  CHECK(all[1].at("efficiency").get<double>() == Approx(1).epsilon(0.01));  // of the two CPUs that there are
  CHECK(all[2].at("efficiency").is_null());
  for (const Json& c : all)
    for (const char* ratio : {"relative", "speedup"}) {
      if (c.at(ratio).is_null()) continue;
      CHECK(c.at(ratio).at("low") <= c.at(ratio).at("ratio"));
      CHECK(c.at(ratio).at("high") >= c.at(ratio).at("ratio"));
    }
  CHECK(runs.at("method").at("pairs") == 3);
}

TEST_CASE("without a one-slot configuration there is no speedup and no scaling") {
  const Json runs = judged({kThreads, kProcesses});
  CHECK(runs.at("configurations")[0].at("speedup").is_null());
  CHECK(runs.at("configurations")[0].at("efficiency").is_null());
  CHECK(runs.at("scaling").empty());
}

TEST_CASE("the baseline without serial is the fastest with one slot") {
  const Json runs =
      judged({{"threads -j1", "threads", 1, 1, 3.5, 44}, {"processes -j1", "processes", 1, 1, 3.4, 50}, kThreads});
  CHECK(runs.at("configurations")[1].at("speedup").at("ratio") == 1.0);
  CHECK(runs.at("scaling")[0].at("baseline") == "processes -j1");
}

TEST_CASE("one configuration alone is judged without a pair") {
  const Json runs = judged({kProcesses});
  CHECK(runs.at("pairs").empty());
  CHECK(runs.at("verdict").size() == 1);
  CHECK(runs.at("recommendation").at("configuration") == 0);
}

TEST_CASE("pairs are told in either order, and none is significant before all are looked at together") {
  Random random(3);
  const std::vector<std::vector<double>> samples{
      {1, 1.01, 1.02, 1.03, 1.04}, {2, 2.01, 2.02, 2.03, 2.04}, {2, 2.01, 2.02, 2.03, 2.04}};
  const Json two = pairs_of({samples[0], samples[1]}, 0.01, random), three = pairs_of(samples, 0.01, random);
  CHECK(difference(two, 1, 0).slower());
  CHECK(difference(two, 0, 1).faster());
  CHECK(difference(two, 1, 0).ratio.ratio == Approx(1 / difference(two, 0, 1).ratio.ratio));
  CHECK(difference(two, 1, 0).ratio.low <= difference(two, 1, 0).ratio.high);
  CHECK_FALSE(difference(three, 0, 1).significant);  // 0.0079 alone, 0.024 as one of three
  CHECK(three[2].at("p") == 1.0);
  CHECK_FALSE(difference(three, 2, 2).significant);
}

TEST_CASE("the same thing compared with itself is called different in one of a hundred comparisons at most") {
  int different = 0;
  for (unsigned trial = 0; trial < 200; ++trial) {
    Random random(trial);
    std::vector<std::vector<double>> samples(4);
    for (auto& sample : samples)
      for (int i = 0; i < 8; ++i) sample.push_back(std::lognormal_distribution<double>(0, 0.02)(random));
    for (const Json pairs = pairs_of(samples, 0.01, random); const Json& pair : pairs)
      if (pair.at("significant")) {
        ++different;
        break;
      }
  }
  CHECK(different <= 6);  // 2 expected, and 3 sigma
}

TEST_CASE("how far apart does not depend on who is named first") {
  CHECK(apart_text(1.014) == "1.4 %");
  CHECK(apart_text(1 / 1.014) == "1.4 %");
  CHECK(longer_text(1.026) == "2.6 % longer");
  CHECK(longer_text(1.92) == "1.92 times as long");
  CHECK(longer_text(0.9) == "10 % less time");
}

}  // namespace
}  // namespace tessera::tests
