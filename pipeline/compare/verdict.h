// What the measured runs of a comparison come to: which differ, how they scale, what to use. Looks at nothing but the
// section; the words are sentences.h's, the choice is recommendation.h's.
#pragma once

#include "pipeline/compare/document.h"
#include "pipeline/compare/run_set.h"

namespace tessera::pipeline {

/// Completes a "runs" section that has `method` (runs, alpha) and `configurations` with their runs and summaries:
///   configurations   relative: to the best of Tessera's, also a peer's; speedup and efficiency: null for a peer
///   pairs            every two, by the rank test at method.alpha; method.pairs, method.runs_needed
///   scaling          for each mode that was run with more than one slot its configurations under their standard
///                    names, by slots. Amdahl's part is from the points of 2 to `cpus` slots; null unless there are
///                    enough runs and every one of these points is faster than the baseline, its interval too. Peers
///                    and configurations with flags of their own are left out
///   verdict, recommendation
/// One configuration at least is Tessera's.
void judge(Json& runs, const RunSet&, int cpus, Random&);

/// The name that a configuration has by its mode, workers and threads alone: "serial", "threads -j2", "processes -j2",
/// "hybrid -j2 --threads 2"; "": a peer.
std::string standard_name(const Json& configuration);

}  // namespace tessera::pipeline
