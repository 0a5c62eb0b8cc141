// How the figures of `tessera compare costs` were measured: from where to where, with what, in sentences for a reader.
#pragma once

#include <string>

#include "pipeline/compare/cost_plan.h"

namespace tessera::pipeline {

std::string create_method();
std::string handover_method(const CostPlan&);
std::string wakeup_method(const CostPlan&);
std::string sharing_method(const CostPlan&);
std::string pages_method(const CostPlan&);

}  // namespace tessera::pipeline
