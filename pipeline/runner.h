// The function that executors run: the only place where jobs meet pixels. It knows the recipe (inherited by the fork),
// takes everything else from the job, and keeps nothing between jobs but warm memory.
#pragma once

#include <memory>

#include "pipeline/plan.h"
#include "workers/job_context.h"

namespace tessera::pipeline {

/// `slots`: threads that may run it at the same time in one process. The recipe is shared, not copied.
workers::Run make_runner(std::shared_ptr<const Recipe> recipe, const PlanOptions&, int slots);

}  // namespace tessera::pipeline
