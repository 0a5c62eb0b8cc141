#include "workers/costs/sampling.h"

#include <chrono>

namespace tessera::workers::costs {

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::vector<Series> sample_in_turn(const std::vector<Measure>& measures, const Effort& effort) {
  std::vector<Series> all;
  for (const Measure& measure : measures) {
    measure.once();  // first touches, first calls: not what is asked
    all.push_back({measure.id, measure.name, measure.x, {}});
  }
  const double start = now_s();
  for (std::size_t round = 0; round < effort.most; ++round) {
    if (round >= effort.fewest && now_s() - start >= effort.seconds) break;
    for (std::size_t i = 0; i < measures.size(); ++i) all[i].seconds.push_back(measures[i].once());
  }
  return all;
}

}  // namespace tessera::workers::costs
