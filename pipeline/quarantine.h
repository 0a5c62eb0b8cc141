// --quarantine DIR: inputs that killed or hung their workers are put aside there, each with a text that says what
// happened. The original stays where it is; nothing is ever overwritten.
#pragma once

#include <string>

#include "pipeline/failure.h"
#include "pipeline/input_set.h"

namespace tessera::pipeline {

class Quarantine {
 public:
  /// "": nothing is put aside.
  explicit Quarantine(std::string folder) : folder_(std::move(folder)) {}
  /// `fd`: the input, open for reading. A hard link, or a copy where that cannot be. Returns what went wrong, as a
  /// sentence, or "".
  std::string put(const Input&, int fd, const std::string& sentence, const FailureBundle&) const;

 private:
  std::string folder_;
};

}  // namespace tessera::pipeline
