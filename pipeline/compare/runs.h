// The main comparison: every configuration on the same pictures, in fresh processes and in random order.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pipeline/compare/configurations.h"
#include "pipeline/compare/document.h"
#include "pipeline/compare/run_set.h"
#include "pipeline/signals.h"

namespace tessera::pipeline {

struct RunsRequest {
  const RunSet& set;
  std::vector<Configuration> configurations;
  int runs = 7;    // timed, of each
  int warmup = 1;  // before them, not timed; one is made in any case, to look at memory and outputs
  bool cold = false;
  double alpha = 0.01;  // of the test, over all pairs
  const SignalWatch* signals = nullptr;
  std::function<void(const std::string& line)> progress =
      nullptr;  // "round 3/8, processes -j2, about 40 s left"; "": the end
};

/// The section "runs", judged. Adds to `notes` what a reader has to know; `megapixels`, if given, becomes that of the
/// images that were done (0: not known). Order: warm-up rounds, whose memory is sampled and whose outputs must be the
/// same, byte for byte, after each configuration but peers; then `runs` rounds, in each of them every configuration
/// once in an order drawn from `random`.
/// Throws Mismatch (run_outputs.h), UsageError, EnvironmentError when a run does not come to its end, Interrupted.
Json compare_runs(const RunsRequest&, Random& random, Json& notes, double* megapixels = nullptr);

/// For each round the numbers 0 to configurations - 1, each once.
std::vector<std::vector<std::size_t>> draw_orders(std::size_t configurations, int rounds, Random&);

}  // namespace tessera::pipeline
