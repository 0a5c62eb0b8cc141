// The words of `run --stats`, and its part of the JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "pipeline/commands/run_summary.h"

namespace tessera::pipeline {

/// `coordinator_cpu_s`: CPU time of what is not a job.
std::string stats_text(const RunStats&, const RunResult&, const RunFacts&, double coordinator_cpu_s);
nlohmann::ordered_json stats_json(const RunStats&, const RunResult&, const RunFacts&, double coordinator_cpu_s);

}  // namespace tessera::pipeline
