// Whether work is balanced: many small pictures and a few huge ones, dealt out in three ways, each in fresh processes,
// runs interleaved in random order:
//   static         the list is cut into equal parts, one worker each, as with split and xargs -P
//   dynamic        whoever is free takes the next picture; every picture is one job
//   dynamic-tiles  the same, and large pictures may be cut into bands for all workers
#pragma once

#include <functional>
#include <string>

#include "pipeline/compare/document.h"
#include "pipeline/compare/run_set.h"
#include "pipeline/signals.h"

namespace tessera::pipeline {

struct BalanceRequest {
  const RunSet& set;
  int workers = 2;  // at least 2
  int runs = 7;     // of each way, timed; one more of each warms up
  bool as_is =
      false;     // take the pictures as they are, in their order; else small copies of all, huge ones of a few: JPEGs
  int huge = 3;  // pictures that are made huge, at the end of the list; of workers + 1 one is always left over
  double huge_megapixels = 50;
  static constexpr double kAlpha = 0.01;
  double alpha = kAlpha;
  const SignalWatch* signals = nullptr;
  std::function<void(const std::string&)> progress = {};  // where it has come to, for people; may be empty
};

/// The document's section "balance". Everything that it makes lies below the set's work folder. Throws Mismatch when
/// two ways do not leave the same pictures, EnvironmentError when a run does not come to its end, UsageError for less
/// than two workers, and Interrupted.
Json compare_balance(const BalanceRequest&, Random&);

}  // namespace tessera::pipeline
