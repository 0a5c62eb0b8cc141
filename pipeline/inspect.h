// Looks into files without processing them: headers for `info` and `plan`, pixel hashes for `verify`, hashes of bytes
// for `run --resume`. The looking is
// done by workers; this only hands the files out and collects the answers in order.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "pipeline/limits.h"
#include "pipeline/wire.h"
#include "workers/executor.h"

namespace tessera::pipeline {

struct Inspection {
  std::string error;  // empty: fine
  stages::Header header;
  Hash128 hash{};  // of the pixels or the bytes
  std::uint64_t bytes = 0;
  bool retried = false;
  std::uint32_t interruptions = 0;  // by a neighbour that was killed
};

/// Memory for workers that only read headers.
constexpr std::uint64_t kInspectorBytes = 256 << 20;

struct InspectLimits {
  std::uint64_t max_pixels = 0;     // 0: no limit
  TimeLimit time;                   // of one file
  std::uint64_t private_bytes = 0;  // that the executor's workers may have each
};

/// kind: info, pixels or hash. One result per path, in order.
std::vector<Inspection> inspect(workers::Executor&, JobKind kind, std::span<const std::string> paths,
                                const InspectLimits&);
/// The headers, read in a forked worker of their own.
std::vector<Inspection> inspect_headers(std::shared_ptr<const Recipe>, workers::Sandbox,
                                        std::span<const std::string> paths, const InspectLimits&);

}  // namespace tessera::pipeline
