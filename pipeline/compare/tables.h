// The tables of a comparison, as text: the same cells in the terminal and in Markdown. What a document does not have is
// "-"; numbers are figures.h's.
#pragma once

#include <string>
#include <vector>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

struct Table {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;  // as long as head; the first cell names the row
  std::vector<double> bars;                    // one a row, 0..1 of the longest, or none
};

/// Of a "runs" section, one row a configuration:
Table time_table(const Json& runs);    // time with interval, relative, images/s, megapixels/s
Table memory_table(const Json& runs);  // at its peak
Table work_table(const Json& runs);    // processor time, efficiency, utilisation, tail, start
Table kernel_table(const Json& runs);  // faults, switches, messages
Table phases_table(const Json& runs);  // no rows where no configuration has phases
/// One row a point.
Table scaling_table(const Json& runs);

/// Single figures of a group of costs; its curves, one row for each x.
Table cost_table(const Json& group);
Table curve_table(const Json& group);

Table faults_table(const Json& faults);
Table balance_table(const Json& balance);

/// "2 CPUs: AMD EPYC 7B13, virtual, ..." as one sentence.
std::string machine_text(const Json& document);
/// "43 pictures, 48 MB, 312 megapixels"; "": the document has no set.
std::string set_text(const Json& document);
/// "8 rounds after 1 warm-up, ..."
std::string method_text(const Json& runs);

}  // namespace tessera::pipeline
