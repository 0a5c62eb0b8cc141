// Sent down before people: everything that jobs do, tried in real workers under the sandbox that they run with. A
// library update that asks the kernel for something new is found by this and not by the first batch.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "pipeline/canary_cases.h"
#include "workers/sandbox.h"

namespace tessera::pipeline {

struct CanaryResult {
  std::string what;   // as in canary_cases()
  int threads = 1;    // of the worker that ran it
  std::string error;  // a sentence; empty: it did the same as without a sandbox
};

/// Every case in one worker of each of these thread counts. Forks, so the caller has one thread. Throws what
/// workers::make_workforce throws, and std::runtime_error when fresh workers keep dying.
std::vector<CanaryResult> run_canary(std::span<const CanaryCase>, workers::Sandbox, std::span<const int> thread_counts);

/// 1, 2, and as many as there are usable CPUs, but at least 4.
std::vector<int> canary_thread_counts();

}  // namespace tessera::pipeline
