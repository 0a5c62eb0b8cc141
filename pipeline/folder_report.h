// Whether a folder can take a run's outputs and its journal: tried with files of its own, which are removed again.
#pragma once

#include "pipeline/machine_report.h"

namespace tessera::pipeline {

/// Adds the section "output". A folder that does not exist is judged by the nearest one above it that does.
void add_folder(const std::string& folder, MachineReport&);

}  // namespace tessera::pipeline
