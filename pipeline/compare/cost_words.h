// What the figures of `tessera compare costs` mean for a pipeline, in sentences that are made from those figures and
// say nothing that they do not; and how they were measured. Pure.
#pragma once

#include <string>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

/// A paragraph about a group of the section "costs" that has its rows and curves already. Says so when nothing in it
/// could be measured.
std::string cost_explanation(const Json& group);

}  // namespace tessera::pipeline
