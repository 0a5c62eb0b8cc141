// Where a thread may run, and making it stay there.
#pragma once

#include <vector>

namespace tessera::workers::costs {

/// Numbers of the CPUs among which this process may choose, ascending; empty when it may not choose.
std::vector<int> cpus_to_choose_from();
/// The calling thread runs on this CPU alone from now on. Throws std::system_error.
void stay_on(int cpu);

}  // namespace tessera::workers::costs
