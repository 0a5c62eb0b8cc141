// A comparison as one tidy table, for spreadsheets and statistics programs.
#pragma once

#include <string>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

/// RFC 4180 (CRLF, quotes only where needed), UTF-8, with the header
///   section,name,metric,run,value,unit
/// One row for each figure. `run`: the round of a timed run, else empty: then it is the median of a summary or a single
/// figure. Sections and what names their rows:
///   runs      the configuration; each timed run's fields, then the medians and the peak memory
///   costs     group/id, for curves group/id@x; metric seconds
///   faults    fault/mode; survived and identical are 0 or 1
///   balance   the way's id
/// `unit`: s, B, 1/s, 1 (counts and parts). Values have all their digits.
std::string to_csv(const Json& document);

}  // namespace tessera::pipeline
