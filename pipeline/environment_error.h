// What is nobody's picture's fault: a full or read-only disk, a folder that went away, a damaged journal. The run has
// to stop; the exit code is 4.
#pragma once

#include <stdexcept>

namespace tessera::pipeline {

/// The sentence names the file and what can be done.
class EnvironmentError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace tessera::pipeline
