// `tessera compare costs`: what the parts cost that a pipeline of threads and processes is made of, as a section of the
// document. What is measured and how is in workers/costs; here figures get their spread and their words.
#pragma once

#include <functional>
#include <string>

#include "pipeline/compare/cost_plan.h"
#include "pipeline/compare/document.h"
#include "pipeline/compare/statistics.h"

namespace tessera::pipeline {

/// The section "costs". `progress` is told what comes next and may throw, for instance because a signal came. `notes`
/// gets a sentence for whatever could not be measured here. The caller has one thread. Throws std::system_error (EINTR:
/// a signal to the process group ended a measuring process).
Json measure_costs(bool quick, Random&, const std::function<void(const std::string&)>& progress, Json& notes);
/// The same by a plan of one's own.
Json measure_costs(const CostPlan&, Random&, const std::function<void(const std::string&)>& progress, Json& notes);

}  // namespace tessera::pipeline
