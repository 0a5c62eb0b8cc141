// Comparisons with a known outcome, for what is made from them.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "pipeline/compare/verdict.h"

namespace tessera::tests {

using pipeline::Json;

struct SampleRun {
  std::string name, mode;  // mode "": a peer
  int workers = 1, threads = 1;
  double seconds = 1;
  double megabytes = 50;
};

/// A "runs" section that nobody has judged yet. The runs of each configuration lie within 0.4 % of `seconds`, no two
/// alike, so that medians 1 % apart do not overlap and equal ones mix.
inline Json unjudged(const std::vector<SampleRun>& configurations, int runs = 10, double other_load = 0.01) {
  pipeline::Random random(7);
  Json section{{"method", {{"runs", runs}, {"alpha", 0.01}}}, {"configurations", Json::array()}};
  for (const SampleRun& sample : configurations) {
    Json c{{"name", sample.name}, {"kind", sample.mode.empty() ? "peer" : "tessera"}};
    for (const char* key : {"mode", "workers", "threads", "slots"}) c[key] = nullptr;
    if (!sample.mode.empty())
      c.update({{"mode", sample.mode},
                {"workers", sample.workers},
                {"threads", sample.threads},
                {"slots", sample.workers * sample.threads}});
    c["command"] = "tessera run " + sample.name;
    c["memory"] = {{"pss_bytes", static_cast<std::int64_t>(sample.megabytes * 1e6)}};
    c["runs"] = Json::array();
    std::vector<double> wall;
    for (int i = 0; i < runs; ++i) {
      wall.push_back(sample.seconds * std::uniform_real_distribution<double>(0.996, 1.004)(random));
      c["runs"].push_back({{"round", i + 1}, {"wall_s", wall.back()}, {"other_load", other_load}});
    }
    c["wall_s"] = {{"median", pipeline::median_of(wall)}};
    section["configurations"].push_back(c);
  }
  return section;
}

inline Json judged(const std::vector<SampleRun>& configurations, int cpus = 2, int runs = 10,
                   double other_load = 0.01) {
  Json section = unjudged(configurations, runs, other_load);
  pipeline::RunSet set;
  set.paths.assign(43, "p.jpg");
  pipeline::Random random(11);
  judge(section, set, cpus, random);
  return section;
}

/// A whole document with all four sections; compare_sample.json says of itself that nobody measured it.
inline Json sample_document() {
  std::ifstream file(TESSERA_SOURCE "/tests/pipeline/compare_sample.json");
  return Json::parse(file);
}

}  // namespace tessera::tests
