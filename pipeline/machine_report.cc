#include "pipeline/machine_report.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <opencv2/core/utility.hpp>

#include "pipeline/cpu_count.h"
#include "pipeline/folder_report.h"
#include "stages/codec.h"
#include "stages/simd/target.h"
#include "workers/kernel_features.h"
#include "workers/sandbox_support.h"
#include "workers/slot_threads.h"
#include "workers/window.h"

namespace tessera::pipeline {
namespace {

using Json = nlohmann::ordered_json;

void add_system(MachineReport& report) {
  utsname name{};
  uname(&name);
  Json& facts = report.facts["system"];
  facts["kernel"] = name.release;
  facts["architecture"] = name.machine;
  facts["pidfd"] = workers::has_pidfd();
  if (!workers::has_pidfd())
    report.problems.emplace_back(
        "The kernel has no process descriptors (pidfd; Linux 5.4 or newer has them), or a container forbids them: only "
        "--mode threads and serial work, and they isolate nothing");
}

void add_sandbox(MachineReport& report) {
  const workers::SandboxSupport support = workers::probe_sandbox();
  Json& facts = report.facts["sandbox"];
  facts["seccomp"] = support.seccomp;
  facts["landlock_version"] = support.landlock_abi;
  if (support.landlock_abi > 0) facts["left_to_seccomp"] = support.left_to_seccomp();
#ifdef TESSERA_STRICT_SANDBOX
  facts["unknown_system_calls"] = "kill the worker (test build)";
#else
  facts["unknown_system_calls"] = "are refused";
#endif
  for (const std::string& sentence : support.degraded()) report.degraded.push_back(sentence);
}

template <typename T>
Json or_none(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

void add_cpus(MachineReport& report) {
  const std::optional<double> quota = cpu_quota();
  Json& facts = report.facts["cpus"];
  facts["online"] = sysconf(_SC_NPROCESSORS_ONLN);
  facts["in_affinity_mask"] = affinity_cpus();
  facts["cgroup_quota"] = or_none(quota);
  facts["jobs_by_default"] = usable_cpus();
  facts["vector_instructions"] = stages::simd_targets();
  facts["in_use"] = stages::simd_target();
  facts["opencv_uses"] = cv::getCPUFeaturesLine();
  if (quota && *quota < 1)
    report.degraded.push_back(
        fmt::format("The cgroup allows {:.2f} of a CPU: one worker, and everything takes {:.1f} times as long", *quota,
                    1 / *quota));
}

void add_memory(MachineReport& report) {
  constexpr std::uint64_t kLittle = 512 << 20;
  Json& facts = report.facts["memory"];
  const std::optional<std::uint64_t> available = meminfo("MemAvailable");
  facts["total_bytes"] = or_none(meminfo("MemTotal"));
  facts["available_bytes"] = or_none(available);
  facts["cgroup_limit_bytes"] = or_none(memory_limit());
  facts["memory_by_default_bytes"] = usable_memory() / 2;
  if (available && *available < std::max(kLittle, usable_memory() / 2))
    report.degraded.push_back(
        fmt::format("Only {} MiB of memory are available now, less than --memory takes by default: give less, or end "
                    "something else",
                    *available >> 20));
}

Json limit_of(int resource) {
  rlimit limit{};
  getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  return limit.rlim_cur == RLIM_INFINITY ? Json("unlimited") : Json(limit.rlim_cur);
}

void add_limits(MachineReport& report) {
  // A worker's two windows, channel and process; inputs and outputs under way; the program's own.
  const std::uint64_t wanted = 64 + 16 * static_cast<std::uint64_t>(usable_cpus());
  Json& facts = report.facts["limits"];
  facts["descriptors"] = limit_of(RLIMIT_NOFILE);
  facts["processes"] = limit_of(RLIMIT_NPROC);
  facts["locked_memory_bytes"] = limit_of(RLIMIT_MEMLOCK);
  facts["file_size_bytes"] = limit_of(RLIMIT_FSIZE);
  if (const Json& descriptors = facts["descriptors"]; descriptors.is_number() && descriptors < wanted)
    report.degraded.push_back(
        fmt::format("Only {} descriptors may be open, and {} are wanted for {} workers: ulimit -n {}",
                    descriptors.get<std::uint64_t>(), wanted, usable_cpus(), std::max<std::uint64_t>(wanted, 1024)));
}

/// "always [within_size] never" -> "within_size"
std::string chosen_in(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  const auto begin = line.find('['), end = line.find(']');
  return begin == std::string::npos || end == std::string::npos ? "unknown" : line.substr(begin + 1, end - begin - 1);
}

void add_shared_memory(MachineReport& report) {
  Json& facts = report.facts["shared_memory"];
  try {
    const workers::Windows windows(workers::Backing::shared, 1, 1 << 20, 1 << 20);
    windows.board()[windows.board().size() - 1] = std::byte{1};
    facts["memfd"] = true;
  } catch (const std::exception& error) {
    facts["memfd"] = false;
    report.problems.push_back(fmt::format("Memory cannot be shared with workers: {}", error.what()));
  }
  facts["huge_pages"] = chosen_in("/sys/kernel/mm/transparent_hugepage/shmem_enabled");
  facts["dev_shm"] = "not used";
}

void add_libraries(MachineReport& report) {
  Json& facts = report.facts["libraries"];
  facts["opencv"] = cv::getVersionString();
  facts["threads"] = workers::threads_library();
  facts["sqlite"] = sqlite3_libversion();
}

std::vector<std::string> written_by(const stages::Codec& codec) {
  using stages::Depth, stages::Model, stages::PixelFormat;
  std::vector<std::string> names;
  for (const Model model : {Model::gray, Model::bgr, Model::ycbcr_planar})
    for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
      for (const bool alpha : {false, true})
        if (const PixelFormat format{model, depth, alpha}; codec.storable(format) == format)
          names.push_back(to_string(format));
  return names;
}

void add_formats(MachineReport& report) {
  Json& facts = report.facts["formats"];
  for (const stages::Codec* const codec : stages::listed_codecs())
    facts[std::string(codec->name())] =
        fmt::format("{}; reads and writes {}; .{}", codec->library().empty() ? "no library" : codec->library(),
                    fmt::join(written_by(*codec), ", "), fmt::join(codec->extensions(), " ."));
}

}  // namespace

MachineReport look_at_machine(const std::string& output) {
  MachineReport report;
  add_system(report);
  add_sandbox(report);
  add_cpus(report);
  add_memory(report);
  add_limits(report);
  add_shared_memory(report);
  if (!output.empty()) add_folder(output, report);
  add_libraries(report);
  add_formats(report);
  return report;
}

}  // namespace tessera::pipeline
