// A step of a plan as operations. Private to plan*.cc.
#pragma once

#include <memory>
#include <vector>

#include "pipeline/plan.h"

namespace tessera::pipeline {

/// `in` is what the step gets; `statistic` what it waits for, if anything.
std::vector<std::unique_ptr<const stages::Operation>> bind_step(const Step&, const stages::ImageInfo& in,
                                                                stages::ReadBytes statistic);

}  // namespace tessera::pipeline
