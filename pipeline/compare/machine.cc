#include "pipeline/compare/machine.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "pipeline/cpu_count.h"

namespace tessera::pipeline {
namespace {

std::string cpufreq_file(int cpu, const char* name) {
  return fmt::format("/sys/devices/system/cpu/cpu{}/cpufreq/{}", cpu, name);
}

int processors() { return static_cast<int>(::sysconf(_SC_NPROCESSORS_CONF)); }

/// The values of a field of /proc/cpuinfo, one a processor where it is of processors.
std::vector<std::string> cpuinfo(std::string_view field) {
  std::ifstream file("/proc/cpuinfo");
  std::vector<std::string> values;
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos && line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1) == field)
      values.push_back(line.substr(colon + 2));
  }
  return values;
}

/// PRETTY_NAME of os-release(5). "" where there is none.
std::string system_name() {
  std::ifstream file("/etc/os-release");
  constexpr std::string_view kField = "PRETTY_NAME=";
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(kField)) continue;
    line.erase(0, kField.size());
    if (line.size() >= 2 && line.front() == '"' && line.back() == '"') line = line.substr(1, line.size() - 2);
    return line;
  }
  return "";
}

/// Of all processors; several only where they differ.
Json governors() {
  std::set<std::string> names;
  for (int cpu = 0; cpu < processors(); ++cpu) {
    std::ifstream file(cpufreq_file(cpu, "scaling_governor"));
    if (std::string name; file >> name) names.insert(name);
  }
  return names.empty() ? Json() : Json(fmt::format("{}", fmt::join(names, ", ")));
}

/// x86 tells a hypervisor by a flag; elsewhere nobody says.
Json virtualised() {
  const std::vector<std::string> flags = cpuinfo("flags");
  return flags.empty() ? Json() : Json((" " + flags[0] + " ").find(" hypervisor ") != std::string::npos);
}

}  // namespace

std::vector<double> processor_mhz() {
  std::vector<double> mhz;
  for (int cpu = 0; cpu < processors(); ++cpu) {
    std::ifstream file(cpufreq_file(cpu, "scaling_cur_freq"));
    if (double khz = 0; file >> khz) mhz.push_back(khz / 1000);
  }
  if (mhz.empty())
    for (const std::string& text : cpuinfo("cpu MHz")) mhz.push_back(std::strtod(text.c_str(), nullptr));
  return mhz;
}

double load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : 0;
}

Json machine_section() {
  utsname system{};
  ::uname(&system);
  const std::vector<std::string> models = cpuinfo("model name");
  return {{"cpu", models.empty() ? std::string(system.machine) : models[0]},
          {"cpus", usable_cpus()},
          {"cpus_online", ::sysconf(_SC_NPROCESSORS_ONLN)},
          {"kernel", system.release},
          {"os", system_name()},
          {"memory_bytes", usable_memory()},
          {"virtualised", virtualised()},
          {"governor", governors()},
          {"mhz", processor_mhz()},
          {"load_before", load_average()}};
}

}  // namespace tessera::pipeline
