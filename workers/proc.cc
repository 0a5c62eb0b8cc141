#include "workers/proc.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <string>

#include "workers/fd.h"
#include "workers/mapping.h"

namespace tessera::workers {
namespace {

std::uint64_t nanoseconds(const timespec& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

/// The start of a file of one line; empty when it cannot be read.
std::string line_of(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 1024> text{};
  const ssize_t got = file ? ::read(file.get(), text.data(), text.size()) : -1;
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

}  // namespace

std::uint64_t own_cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return nanoseconds(now);
}

std::optional<std::uint64_t> cpu_ns_of_process(pid_t process) {
  clockid_t clock{};
  timespec now{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &now) != 0) return std::nullopt;
  return nanoseconds(now);
}

// Another process's threads have no clock that we may read. Of stat and schedstat only the first is in every kernel.
std::optional<std::uint64_t> cpu_ns_of_thread(pid_t process, std::uint64_t thread) {
  const std::string line = line_of(fmt::format("/proc/{}/task/{}/stat", process, thread));
  const std::size_t name_end = line.rfind(')');  // a name may hold anything
  if (name_end == std::string::npos) return std::nullopt;
  unsigned long long user = 0, system = 0;
  if (std::sscanf(line.c_str() + name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
                  &system) != 2)
    return std::nullopt;
  static const auto ticks_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return (user + system) * (1'000'000'000 / ticks_per_second);
}

std::optional<ProcessMemory> ProcessMemory::of(pid_t process) {
  unsigned long long resident = 0, shared = 0, data = 0;
  if (std::sscanf(line_of(fmt::format("/proc/{}/statm", process)).c_str(), "%*u %llu %llu %*u %*u %llu", &resident,
                  &shared, &data) != 3)
    return std::nullopt;
  return ProcessMemory{data * page_bytes(), (resident - std::min(shared, resident)) * page_bytes()};
}

void set_data_limit(pid_t process, std::uint64_t bytes) {
  rlimit limit{};
  int result = ::prlimit(process, RLIMIT_DATA, nullptr, &limit);
  limit.rlim_cur = std::min<rlim_t>(bytes, limit.rlim_max);
  if (result == 0) result = ::prlimit(process, RLIMIT_DATA, &limit, nullptr);
  if (result != 0 && errno != ESRCH) throw_errno("prlimit(RLIMIT_DATA) of a worker");
}

}  // namespace tessera::workers
