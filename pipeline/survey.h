// What a run would do, looked at before anything is made.
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/collisions.h"
#include "pipeline/input_set.h"
#include "pipeline/publisher.h"

namespace tessera::pipeline {

struct Survey {
  std::uint64_t inputs = 0, existing = 0;  // existing: outputs that --on-exist refuses
  std::string first_existing;              // with the reason
  Originals originals;
};

/// Pulls all inputs once: two inputs with one output name and an output that is another's input throw UsageError;
/// outputs that are there already and may not be are counted (with `resume` they may be the run's own, which the
/// journal knows). With `print`, says on standard output what would happen to each input.
Survey survey(InputSet&, const Recipe&, const ProductNames&, const std::string& root, OnExist, bool resume, bool print);

}  // namespace tessera::pipeline
