// One run of a configuration, from the state of the page cache before it to what it left.
#pragma once

#include <optional>
#include <string>

#include "pipeline/compare/configurations.h"
#include "pipeline/compare/launch.h"
#include "pipeline/compare/page_cache.h"
#include "pipeline/compare/peers.h"
#include "pipeline/compare/run_outputs.h"
#include "pipeline/compare/run_set.h"

namespace tessera::pipeline {

struct FinishedRun {
  Observation seen;
  Outputs outputs;
  std::string trace;         // file; "": a peer
  std::uint64_t failed = 0;  // images that came to a bad end; a peer does not say
};

struct LauncherOptions {
  bool cold = false;
  std::chrono::milliseconds memory_interval{10};
  const SignalWatch* signals = nullptr;
};

/// The last ten lines of what a program said, as a message may show them; "  (nothing)" for none.
std::string last_lines(const std::string& text);

class RunLauncher {
 public:
  using Options = LauncherOptions;
  RunLauncher(const RunSet&, const Options&);

  /// The last run's outputs are written, and the page cache is warm or cold.
  void prepare();
  /// Runs it and looks at its outputs. `observed`: with memory sampled, and its outputs hashed; otherwise nothing is
  /// done beside. Throws UsageError when the program refuses its flags, EnvironmentError when it does not come to its
  /// end, each with the last that it said; Interrupted.
  FinishedRun run(const Configuration&, bool observed);

  OutputFolders& folders() { return folders_; }
  const OutputFolders& folders() const { return folders_; }
  /// What the last prepare() could drop; empty: nothing was to be dropped.
  std::optional<Dropped> dropped() const { return dropped_; }

 private:
  std::vector<std::string> words(const Configuration&, const std::string& output, const std::string& trace);

  const RunSet& set_;
  Options options_;
  OutputFolders folders_;
  PeerInputs peers_;
  std::optional<Dropped> dropped_;
  std::uint64_t traces_ = 0;
};

}  // namespace tessera::pipeline
