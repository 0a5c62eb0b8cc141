// What `compare faults` says in words, made of its own rows.
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/compare/document.h"
#include "pipeline/compare/launch.h"

namespace tessera::pipeline {

/// It shares its process with no picture: a worker dies, and not the run.
bool isolates(const std::string& mode);

/// "exit code 1", "killed by SIGSEGV", "hung: killed after 20 s"
std::string how_it_ended(const Observation&);

/// The last line that is not empty; "" if there is none. Of unknown origin: printable.
std::string last_line(const std::string& text);

struct FaultsMethod {
  std::string picture;
  std::uint64_t data_limit = 0;  // bytes
  double deadline_s = 0;         // beside three times the clean run's time, when runs that hang are killed
};
std::string say_method(const FaultsMethod&);

/// At most six sentences; the table has the rest. `images`: that a run without a fault makes.
std::string explain_faults(const Json& rows, std::size_t images);

}  // namespace tessera::pipeline
