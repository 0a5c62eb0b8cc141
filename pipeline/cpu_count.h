// CPUs that this process may use, and memory that it may have: what "auto" means here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tessera::pipeline {

/// CPUs of the affinity mask.
int affinity_cpus();
/// The smallest quota of this process's cgroup and its parents, in CPUs: 0.5 is half of one. Empty: none.
std::optional<double> cpu_quota();
/// Their smallest memory limit, bytes. Empty: none.
std::optional<std::uint64_t> memory_limit();
/// The smaller of the affinity mask and the cgroup's CPU quota (rounded up), at least 1.
int usable_cpus();
/// One number of /proc/meminfo ("MemAvailable"), bytes. Empty: the kernel does not say.
std::optional<std::uint64_t> meminfo(const std::string& name);
/// The smaller of the machine's memory and the cgroup's limit, bytes.
std::uint64_t usable_memory();

}  // namespace tessera::pipeline
