// The blast radius of a fault: the same injected faults in each mode, in real runs over real pictures. The thread-mode
// run really dies; it is resumed until it ends by itself, and what is lost, done again and waited for is counted.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pipeline/compare/run_set.h"
#include "pipeline/injection.h"
#include "pipeline/signals.h"

namespace tessera::pipeline {

struct FaultsRequest {
  const RunSet& set;
  std::vector<InjectedFault> faults;
  std::vector<std::string> modes;  // of serial, threads, processes, hybrid
  int jobs = 2, threads = 2;       // workers, or threads in thread mode; threads of each worker in hybrid mode
  std::uint64_t memory = 0;        // what --memory of the set comes to, its default counted in; bytes
  /// run_words(): called in forked children.
  std::function<int(const std::vector<std::string>& words, const Injection&)> run;
  double patience_s = 10;  // beside three times the clean run's time, before a run that hangs is killed
  const SignalWatch* signals = nullptr;
  std::function<void(const std::string&)> progress = {};
};

/// The section "faults". Runs go to folders inside the set's work folder, which are gone afterwards. The caller must
/// have one thread. Throws UsageError when no picture can be done, Mismatch (run_outputs.h) when two modes make other
/// bytes, std::runtime_error when a run without a fault fails, Interrupted.
Json compare_faults(const FaultsRequest&);

}  // namespace tessera::pipeline
