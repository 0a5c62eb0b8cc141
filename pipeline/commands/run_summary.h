// How a run tells what it came to: the last line, or JSON, and the exit code.
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/coordinator.h"

namespace tessera::pipeline {

struct RunFacts {
  std::string root;
  std::uint64_t total = 0;  // inputs; 0: not known
  double seconds = 0;
  std::uint64_t peak_memory = 0, memory_limit = 0;
  const RunStats* stats = nullptr;  // --stats: what is said of them
  bool isolated = false;            // jobs ran in processes of their own
};

/// Prints (JSON on stdout, else a line on stderr unless `quiet`, and the stats; why it stopped early always) and
/// returns the exit code.
int summarise(const RunResult&, const RunFacts&, bool json, bool quiet);

}  // namespace tessera::pipeline
