// What this machine, this container and this build offer, and what of it Tessera would make: `tessera doctor` without
// its canary. Looks only: nothing is changed, and what is tried is gone afterwards.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tessera::pipeline {

struct MachineReport {
  /// Section -> name -> text, number, true or false, null (none) or a list. Names in _bytes are numbers of bytes.
  nlohmann::ordered_json facts;
  std::vector<std::string> degraded;  // sentences: it works, with less
  std::vector<std::string> problems;  // sentences: it does not work
};

/// `output`: the folder that a run would write to, which need not exist; "" leaves that out.
MachineReport look_at_machine(const std::string& output);

}  // namespace tessera::pipeline
