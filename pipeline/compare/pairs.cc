#include "pipeline/compare/pairs.h"

#include <stdexcept>

namespace tessera::pipeline {

Json to_json(const Ratio& r) { return {{"ratio", r.ratio}, {"low", r.low}, {"high", r.high}}; }

Json pairs_of(const std::vector<std::vector<double>>& samples, double alpha, Random& random) {
  Json pairs = Json::array();
  std::vector<double> p;
  for (std::size_t a = 0; a < samples.size(); ++a)
    for (std::size_t b = a + 1; b < samples.size(); ++b) {
      p.push_back(rank_test(samples[a], samples[b]));
      pairs.push_back({{"a", a},
                       {"b", b},
                       {"p", p.back()},
                       {"p_adjusted", 1.0},
                       {"significant", false},
                       {"ratio", to_json(ratio_of_medians(samples[a], samples[b], random))}});
    }
  const std::vector<double> adjusted = holm(p);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    pairs[i]["p_adjusted"] = adjusted[i];
    pairs[i]["significant"] = adjusted[i] <= alpha;
  }
  return pairs;
}

Difference difference(const Json& pairs, std::size_t one, std::size_t other) {
  if (one == other) return {};
  for (const Json& pair : pairs) {
    const auto a = pair.at("a").get<std::size_t>(), b = pair.at("b").get<std::size_t>();
    if (!(a == one && b == other) && !(a == other && b == one)) continue;
    const Json& r = pair.at("ratio");
    Difference d{.ratio = {r.at("ratio"), r.at("low"), r.at("high")}, .significant = pair.at("significant")};
    if (a == other) d.ratio = {1 / d.ratio.ratio, 1 / d.ratio.high, 1 / d.ratio.low};
    return d;
  }
  throw std::out_of_range("a comparison without one of its pairs");
}

}  // namespace tessera::pipeline
