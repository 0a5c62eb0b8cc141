// Measuring several things in turn, so that whatever else the machine does meets all of them alike.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "workers/costs/costs.h"

namespace tessera::workers::costs {

/// Seconds of CLOCK_MONOTONIC, which is one for all processes.
double now_s();

struct Measure {
  std::string id, name;
  double x = 0;
  std::function<double()> once;  // seconds of one sample
};

std::vector<Series> sample_in_turn(const std::vector<Measure>&, const Effort&);

}  // namespace tessera::workers::costs
