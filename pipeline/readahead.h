// Tells the kernel which inputs come next, so that a disk reads them while workers compute. A hint: nothing waits for
// it, and nothing goes wrong without it. It opens files for a moment and reads no byte of them.
#pragma once

#include <cstdint>
#include <map>

#include "pipeline/input_set.h"

namespace tessera::pipeline {

class Readahead {
 public:
  /// `most_bytes`: of files that were announced and not opened yet.
  explicit Readahead(std::uint64_t most_bytes) : most_bytes_(most_bytes) {}
  /// Once for each input. Only regular files are announced; of a large one its beginning.
  void announce(const Input&);
  /// It is read now: its bytes count no more.
  void opened(const Input&);
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::uint64_t most_bytes_, bytes_ = 0;
  std::map<std::uint64_t, std::uint64_t> announced_;  // input's index -> bytes
};

}  // namespace tessera::pipeline
