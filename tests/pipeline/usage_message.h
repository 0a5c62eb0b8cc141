// The sentence of the UsageError that `run` throws; "no error" if it throws none.
#pragma once

#include <string>

#include "pipeline/usage_error.h"

namespace tessera::pipeline {

template <class Run>
std::string usage_message(Run run) {
  try {
    run();
  } catch (const UsageError& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace tessera::pipeline
