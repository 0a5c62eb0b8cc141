// What --mode, -j and --threads mean together.
#pragma once

#include <string>

#include "workers/executor.h"

namespace tessera::pipeline {

/// `mode`: serial, threads, processes, hybrid or auto (processes); 0 jobs or threads: not given. Throws UsageError for
/// what contradicts itself.
workers::ExecutorOptions choose_workers(const std::string& mode, int jobs, int threads);

}  // namespace tessera::pipeline
