#include "pipeline/compare/other_load.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

namespace tessera::pipeline {
namespace {

double cpu_s(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

OtherLoad::OtherLoad() : own_s_(cpu_s(RUSAGE_SELF) + cpu_s(RUSAGE_CHILDREN)) {
  const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  std::ifstream file("/proc/stat");
  std::string name;
  std::array<double, 8> ticks{};  // user nice system idle iowait irq softirq steal; guests are in user and nice
  file >> name;
  for (double& value : ticks) file >> value;
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    total_s_ += ticks[i] / ticks_per_second;
    if (i != 3 && i != 4) busy_s_ += ticks[i] / ticks_per_second;
  }
}

double OtherLoad::until_now() const {
  const OtherLoad now;
  const double total = now.total_s_ - total_s_;
  if (total <= 0) return 0;
  return std::clamp((now.busy_s_ - busy_s_ - (now.own_s_ - own_s_)) / total, 0.0, 1.0);
}

}  // namespace tessera::pipeline
