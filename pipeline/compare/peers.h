// Other people's programs as configurations: where they find the pictures, and the command that a shell is given.
#pragma once

#include <string>
#include <vector>

#include "pipeline/compare/configurations.h"
#include "pipeline/compare/run_set.h"

namespace tessera::pipeline {

/// {in} and {list} of one set. {in} is the folder of the pictures where it holds nothing else, otherwise one of
/// symbolic links below the set's work folder; {list} is a file with one absolute path a line. Made when first needed.
class PeerInputs {
 public:
  explicit PeerInputs(const RunSet& set) : set_(set) {}
  /// {"/bin/sh", "-c", command}: {in}, {list} and {out} replaced by quoted paths. `output` exists and is empty.
  /// Throws UsageError for a picture's name that no line can hold, EnvironmentError.
  std::vector<std::string> words(const Configuration& peer, const std::string& output);

 private:
  const std::string& folder();
  const std::string& list();

  const RunSet& set_;
  std::string folder_, list_;
};

}  // namespace tessera::pipeline
