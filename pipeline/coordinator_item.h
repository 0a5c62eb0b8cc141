// One input on its way through the coordinator. Private to coordinator*.cc.
#pragma once

#include <set>
#include <vector>

#include "pipeline/coordinator.h"

namespace tessera::pipeline {

struct Coordinator::Item {
  Input input;
  workers::Fd fd;
  std::int64_t modified_ns = 0;
  std::vector<OutputFile> files;
  ImageTask task;
  workers::Clock::time_point begun = workers::Clock::now();
  std::set<std::uint32_t> opened_in{};  // windows whose workers have read it
};

}  // namespace tessera::pipeline
