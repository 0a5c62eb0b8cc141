// The machine that a comparison is made on: what a reader has to know of it to compare figures with those of another.
#pragma once

#include <string>
#include <vector>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

/// The section "machine" of a document, without what is known only afterwards.
Json machine_section();

/// MHz of each processor now: by cpufreq, else by /proc/cpuinfo. Empty where neither says.
std::vector<double> processor_mhz();
/// Load average of the last minute.
double load_average();

}  // namespace tessera::pipeline
