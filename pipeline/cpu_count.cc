#include "pipeline/cpu_count.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

namespace tessera::pipeline {
namespace {

// This process's cgroup (v2) and its parents, innermost first.
std::vector<std::string> cgroup_folders() {
  std::ifstream file("/proc/self/cgroup");
  std::string line, path;
  while (std::getline(file, line))
    if (line.starts_with("0::")) path = line.substr(3);
  std::vector<std::string> folders;
  while (!path.empty()) {
    folders.push_back("/sys/fs/cgroup" + path);
    const auto slash = path.rfind('/');
    path = slash == std::string::npos || path == "/" ? "" : path.substr(0, std::max<std::size_t>(slash, 1));
    if (path == "/" && folders.back() == "/sys/fs/cgroup/") break;
  }
  return folders;
}

}  // namespace

int affinity_cpus() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                     : static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
}

std::optional<double> cpu_quota() {
  std::optional<double> smallest;
  for (const std::string& folder : cgroup_folders()) {
    std::ifstream file(folder + "/cpu.max");
    std::string quota;
    double period = 0;
    if (!(file >> quota >> period) || quota == "max" || period <= 0) continue;
    const double cpus = std::stod(quota) / period;
    smallest = std::min(cpus, smallest.value_or(cpus));
  }
  return smallest;
}

std::optional<std::uint64_t> memory_limit() {
  std::optional<std::uint64_t> smallest;
  for (const std::string& folder : cgroup_folders()) {
    std::ifstream file(folder + "/memory.max");
    std::uint64_t limit = 0;
    if (file >> limit) smallest = std::min(limit, smallest.value_or(limit));  // "max" does not read as a number
  }
  return smallest;
}

int usable_cpus() {
  const std::optional<double> quota = cpu_quota();
  const int cpus = affinity_cpus();
  return std::max(quota ? std::min(cpus, static_cast<int>(std::ceil(*quota))) : cpus, 1);
}

std::optional<std::uint64_t> meminfo(const std::string& name) {
  std::ifstream file("/proc/meminfo");
  for (std::string key; file >> key;) {
    std::uint64_t kib = 0;
    if (key == name + ":" && file >> kib) return kib * 1024;
    std::getline(file, key);
  }
  return {};
}

std::uint64_t usable_memory() {
  const auto bytes =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return std::min(bytes, memory_limit().value_or(bytes));
}

}  // namespace tessera::pipeline
