#include "pipeline/compare/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "pipeline/compare/pairs.h"
#include "pipeline/compare/recommendation.h"
#include "pipeline/compare/sentences.h"

namespace tessera::pipeline {
namespace {

double wall(const Json& configuration) { return configuration.at("wall_s").at("median"); }

/// The index of the least wall time among those for which `counts` is true.
template <typename Counts>
std::optional<std::size_t> least_time(const Json& configurations, Counts counts) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < configurations.size(); ++i)
    if (counts(configurations[i]) && (!best || wall(configurations[i]) < wall(configurations[*best]))) best = i;
  return best;
}

/// serial, else the one-slot configuration of least wall time.
std::optional<std::size_t> baseline_of(const Json& configurations) {
  const auto serial = least_time(configurations, [](const Json& c) { return c.at("name") == "serial"; });
  return serial ? serial : least_time(configurations, [](const Json& c) { return c.at("slots") == 1; });
}

/// Noise has a serial part too: only what beats one slot beyond doubt is a law's.
Json serial_part(const std::vector<Json>& fitted, bool blind) {
  const auto tells = [](const Json& point) { return point.at("speedup").at("low") > 1; };
  if (blind || fitted.empty() || !std::all_of(fitted.begin(), fitted.end(), tells)) return nullptr;
  std::vector<std::pair<double, double>> speedups;
  for (const Json& point : fitted)
    speedups.emplace_back(point.at("slots").get<double>(), point.at("speedup").at("ratio").get<double>());
  return serial_fraction(speedups);
}

Json scaling_of(const Json& configurations, std::size_t baseline, int cpus, bool blind) {
  Json scaling = Json::array();
  for (const std::string mode : {"threads", "processes", "hybrid"}) {
    std::vector<Json> points;
    std::vector<Json> fitted;
    for (std::size_t i = 0; i < configurations.size(); ++i) {
      const Json& c = configurations[i];
      if (c.value("mode", Json()) != mode || c.at("name") != standard_name(c)) continue;
      const int slots = c.at("slots");
      points.push_back({{"slots", slots}, {"speedup", c.at("speedup")}, {"configuration", i}});
      if (slots > 1 && slots <= cpus) fitted.push_back(points.back());
    }
    const auto beyond_one = [](const Json& point) { return point.at("slots") > 1; };
    if (std::none_of(points.begin(), points.end(), beyond_one)) continue;
    std::stable_sort(points.begin(), points.end(),
                     [](const Json& a, const Json& b) { return a.at("slots").get<int>() < b.at("slots").get<int>(); });
    scaling.push_back({{"mode", mode},
                       {"baseline", configurations[baseline].at("name")},
                       {"points", points},
                       {"serial_fraction", serial_part(fitted, blind)}});
  }
  return scaling;
}

}  // namespace

std::string standard_name(const Json& c) {
  const Json mode = c.value("mode", Json());
  if (mode == "serial") return "serial";
  if (mode == "threads" || mode == "processes")
    return fmt::format("{} -j{}", mode.get<std::string>(), c.at("slots").get<int>());
  if (mode == "hybrid")
    return fmt::format("hybrid -j{} --threads {}", c.at("workers").get<int>(), c.at("threads").get<int>());
  return "";
}

void judge(Json& runs, const RunSet& set, int cpus, Random& random) {
  std::vector<std::vector<double>> samples;
  for (const Json& c : runs.at("configurations"))
    for (samples.emplace_back(); const Json& run : c.at("runs")) samples.back().push_back(run.at("wall_s"));
  const double alpha = runs.at("method").at("alpha");
  runs["pairs"] = pairs_of(samples, alpha, random);
  runs["method"]["pairs"] = runs["pairs"].size();
  runs["method"]["runs_needed"] = runs_needed(runs["pairs"].size(), alpha);

  // Not sooner: an ordered object moves its members when it gets another.
  Json& configurations = runs.at("configurations");
  const auto best = least_time(configurations, [](const Json& c) { return c.at("kind") == "tessera"; });
  const auto baseline = baseline_of(configurations);
  for (std::size_t i = 0; i < configurations.size(); ++i) {
    Json& c = configurations[i];
    c["relative"] = to_json(difference(runs["pairs"], i, *best).ratio);
    c["speedup"] =
        baseline && c.at("kind") == "tessera" ? to_json(difference(runs["pairs"], *baseline, i).ratio) : Json();
    c["efficiency"] = baseline && c.at("slots").is_number()
                          ? Json(c["speedup"]["ratio"].get<double>() / std::min(c.at("slots").get<int>(), cpus))
                          : Json();
  }
  Json scaling = baseline ? scaling_of(configurations, *baseline, cpus, too_few_runs(runs)) : Json::array();
  runs["scaling"] = std::move(scaling);
  runs["verdict"] = verdict_sentences(runs, set.paths.size(), cpus);
  runs["recommendation"] = recommend(runs);
}

}  // namespace tessera::pipeline
