// Looks into files without processing them: headers for `info` and `plan`, pixel hashes for `verify`, hashes of bytes
// for `run --resume`. The looking is
// done by workers; this only hands the files out and collects the answers in order.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "pipeline/wire.h"
#include "workers/executor.h"

namespace tessera::pipeline {

struct Inspection {
  std::string error;  // empty: fine
  stages::Header header;
  Hash128 hash{};  // of the pixels or the bytes
  std::uint64_t bytes = 0;
  bool retried = false;
};

/// kind: info, pixels or hash. One result per path, in order.
std::vector<Inspection> inspect(workers::Executor&, JobKind kind, std::span<const std::string> paths);

}  // namespace tessera::pipeline
