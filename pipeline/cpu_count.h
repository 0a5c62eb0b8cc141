// CPUs that this process may use, and memory that it may have: what "auto" means here.
#pragma once

#include <cstdint>

namespace tessera::pipeline {

/// The smaller of the affinity mask and the cgroup's CPU quota (rounded up), at least 1.
int usable_cpus();
/// The smaller of the machine's memory and the cgroup's limit, bytes.
std::uint64_t usable_memory();

}  // namespace tessera::pipeline
