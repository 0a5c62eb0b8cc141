// The verdict in words: sentences for a person, each with its figure, none that the measurements do not carry.
#pragma once

#include <string>
#include <vector>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

/// Of a "runs" section that has everything but verdict and recommendation. What is said, as far as there is something:
/// too few runs; pictures that failed; others that used the machine; the fastest; threads against processes; what isolation costs; hybrid;
/// more workers than CPUs; how far each mode scales; peers.
std::vector<std::string> verdict_sentences(const Json& runs, std::size_t images, int cpus);

/// method.runs < method.runs_needed: nothing can be significant, however far apart.
bool too_few_runs(const Json& runs);

/// "1.4 %": how far a ratio is from 1.
std::string apart_text(double ratio);
/// "2.6 % longer", "1.92 times as long", "1.0 % less time"
std::string longer_text(double ratio);

}  // namespace tessera::pipeline
