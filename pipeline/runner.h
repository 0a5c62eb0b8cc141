// The function that executors run: the only place where jobs meet pixels. It knows the recipe (inherited by the fork),
// takes everything else from the job, and keeps nothing between jobs but warm memory.
#pragma once

#include <memory>

#include "pipeline/plan.h"
#include "workers/job_context.h"

namespace tessera::pipeline {

/// `slots`: threads that may run it at the same time in one process. The recipe is shared, not copied.
workers::Run make_runner(std::shared_ptr<const Recipe> recipe, const PlanOptions&, int slots);

/// What a job was doing when its worker died; see JobContext::step.
enum class JobStep : std::uint64_t { start = 1, probe, plan, decode, stages, measure, encode, finish };
std::string_view to_string(JobStep);

}  // namespace tessera::pipeline
