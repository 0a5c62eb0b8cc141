// --quarantine DIR: inputs that killed or hung their workers are put aside there, each with a text that says what
// happened. The original stays where it is; nothing is ever overwritten, and no link inside the folder is followed.
#pragma once

#include <string>
#include <vector>

#include "pipeline/failure.h"
#include "pipeline/input_set.h"

namespace tessera::pipeline {

/// Throws UsageError when the folder is, or lies in, the output folder or a folder of inputs: what is put aside would
/// be an input of the next run, or pass for an output. "" is fine.
void check_quarantine(const std::string& folder, const std::string& output, const std::vector<InputSource>& sources);

class Quarantine {
 public:
  /// "": nothing is put aside.
  explicit Quarantine(std::string folder) : folder_(std::move(folder)) {}
  /// `fd`: the input, open for reading. A hard link, or a copy where that cannot be; "a~2.jpg" where another input
  /// has the name. Once for each input, however often it comes. Returns what went wrong, as a sentence, or "".
  std::string put(const Input&, int fd, const std::string& sentence, const FailureBundle&) const;

 private:
  std::string folder_;
};

}  // namespace tessera::pipeline
