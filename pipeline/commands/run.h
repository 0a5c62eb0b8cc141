// `tessera run` inside this process, for commands that fork children to run it.
#pragma once

#include <string>
#include <vector>

#include "pipeline/injection.h"

namespace tessera::pipeline {

/// What `tessera run` does with these words (the program's name first), and its exit code. The only way to a fault in a
/// run. To be called in a forked child with one thread: it leaves signal handlers and buffers as a run's end finds
/// them.
int run_words(const std::vector<std::string>& words, const Injection&);

}  // namespace tessera::pipeline
