#include "workers/costs/cpus.h"

#include <sched.h>

#include "workers/fd.h"

namespace tessera::workers::costs {

std::vector<int> cpus_to_choose_from() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return {};
  if (::sched_setaffinity(0, sizeof(set), &set) != 0) return {};  // changes nothing, and is refused where choosing is
  std::vector<int> numbers;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) numbers.push_back(cpu);
  return numbers;
}

void stay_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof(set), &set) != 0) throw_errno("sched_setaffinity");
}

}  // namespace tessera::workers::costs
