// What a comparison compares: ways to run the same pictures, and their names.
#pragma once

#include <string>
#include <vector>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

struct Configuration {
  std::string name;
  std::string kind = "tessera";    // or "peer"
  std::string mode;                // serial, threads, processes, hybrid; "" for a peer
  int workers = 0, threads = 0;    // processes that work (this one counts), threads in each; 0 for a peer
  std::vector<std::string> flags;  // words of `tessera run` that make the difference
  std::string peer_command;        // with {in}, {list} and {out} still in it; see peers.h

  bool is_peer() const { return kind == "peer"; }
  int slots() const { return workers * threads; }  // jobs at a time; 0: a peer, not known
};

/// Serial once; threads and processes with each of `jobs`; hybrid with each of `jobs` and each of `threads` above 1,
/// with two threads (and a note) when there is none. Each once, in this order of modes. A job count of 0 is the usable
/// CPUs. Throws UsageError for an unknown mode and for numbers below 0.
std::vector<Configuration> configurations_for(const std::vector<std::string>& modes, const std::vector<int>& jobs,
                                              const std::vector<int>& threads, Json& notes);

/// --config 'NAME=FLAGS': words as a shell would split them, flags of `tessera run`. Throws UsageError.
Configuration custom_configuration(const std::string& text);

/// --peer 'NAME=CMD', where CMD names {out} and one of {in} and {list}. A name is letters, digits, blanks, and . _ + -;
/// without one the peer is called after its program. Throws UsageError.
Configuration peer_configuration(const std::string& text);

/// Throws UsageError when two have one name: nobody could tell them apart.
void check_names(const std::vector<Configuration>&);

}  // namespace tessera::pipeline
