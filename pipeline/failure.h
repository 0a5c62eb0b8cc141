// What is kept of a job that ended badly: enough to see why, and to see it again.
#pragma once

#include <cstdint>
#include <string>

namespace tessera::pipeline {

struct FailureBundle {
  std::int32_t signal = 0;     // that its worker died of; 0: none
  std::string step;            // "decoding"
  std::string stage;           // the stage that ran then; "" if none did
  std::string output;          // the last of what its worker wrote to stdout and stderr, escaped
  std::string command;         // one line that runs this input again
  std::uint32_t attempts = 0;  // jobs that were started for it
};

}  // namespace tessera::pipeline
