// A plan as people read it: `tessera plan`.
#pragma once

#include <string>

#include "pipeline/plan.h"

namespace tessera::pipeline {

/// Several lines: decode, passes with their steps, memory, reasons.
std::string to_text(const ImagePlan&, const Recipe&);

}  // namespace tessera::pipeline
