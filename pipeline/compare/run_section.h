// What the runs of one configuration came to, as the document holds it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/compare/configurations.h"
#include "pipeline/compare/document.h"
#include "pipeline/compare/launch.h"
#include "pipeline/compare/run_outputs.h"
#include "pipeline/compare/trace_file.h"

namespace tessera::pipeline {

/// What a run's trace says of it. Times from the launch.
struct TracedFigures {
  double start_s = 0, first_image_s = 0;
  std::uint64_t messages = 0, channel_bytes = 0;
  std::map<std::string, double> phases_s;  // of all jobs, added up
  SlotUse use;
};
TracedFigures traced_figures(const RunTrace&, std::chrono::steady_clock::time_point started, int slots);

/// One timed run.
struct TimedRun {
  int round = 0, order = 0;  // from 1; its place in the round
  Observation seen;
  std::optional<TracedFigures> traced;  // none: a peer
  std::string trace;                    // the file
};

struct ConfigurationRuns {
  Configuration configuration;
  std::string command;  // for people
  MemoryPeak memory;    // of the observed runs, the highest
  Outputs outputs;      // of the last observed run
  std::vector<TimedRun> runs;
};

/// What all configurations have in common.
struct RunsFacts {
  std::uint64_t images = 0;  // that were done
  double megapixels = 0;     // of them; 0: not known
  std::uint64_t failed = 0;  // images that came to a bad end
};

/// One of "configurations", without what needs the others (relative, speedup, efficiency). The timeline is read from
/// the trace of the run with the median wall time. At least one run.
Json configuration_section(const ConfigurationRuns&, const RunsFacts&, Random&);

}  // namespace tessera::pipeline
