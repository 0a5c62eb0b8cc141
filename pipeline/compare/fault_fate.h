// How a run with a fault ended, in the words of all exports. Looks at a row of the "faults" section alone.
#pragma once

#include <string>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

/// "survived", "hung", "died", "gave up": what became of the first run.
std::string fate_text(const Json& row);
/// "killed by SIGSEGV", "killed after 20 s", "exit code 1: some images failed"
std::string end_text(const Json& row);
/// recover_s is at least 5 % of clean_s: less is within the noise of single runs.
bool took_longer(const Json& row);

}  // namespace tessera::pipeline
