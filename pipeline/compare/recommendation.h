// Which of the compared configurations to use. Pure.
#pragma once

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

/// {"configuration", "command", "why"}, from the configurations and pairs of a "runs" section; at least one of them
/// must be Tessera's. In this order:
///   1. Candidates are those of Tessera's that are not significantly slower than its fastest one. Where the runs are
///   too
///      few for anything to be significant: those whose median is at most 5 % above its.
///   2. If some of them isolate (processes, hybrid): the best of these.
///   3. If none does, but one that isolates is at most 5 % slower: the best of those, and what it costs is said.
///   4. Else the best candidate, with its risk, and what isolation would cost.
/// The best: of those whose median is at most 5 % above the least among them, more isolation (processes, then hybrid,
/// then the rest), then less memory (5 % apart is the same), then fewer slots, then less time.
Json recommend(const Json& runs);

}  // namespace tessera::pipeline
