// The tables of a comparison, as text: the same cells in the terminal and in Markdown. What a document does not have is
// "-"; numbers are figures.h's.
#pragma once

#include <string>
#include <vector>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

struct TextTable {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;  // as long as head; the first cell names the row
  std::vector<double> bars;                    // one a row, 0..1 of the longest, or none
};

/// Of a "runs" section, one row a configuration:
TextTable time_table(const Json& runs);    // time with interval, relative, images/s, megapixels/s
TextTable memory_table(const Json& runs);  // at its peak
TextTable work_table(const Json& runs);    // processor time, efficiency, utilisation, tail, start
TextTable kernel_table(const Json& runs);  // faults, switches, messages
TextTable phases_table(const Json& runs);  // no rows where no configuration has phases
/// One row a point.
TextTable scaling_table(const Json& runs);

/// Single figures of a group of costs; its curves, one row for each x.
TextTable cost_table(const Json& group);
TextTable curve_table(const Json& group);

TextTable faults_table(const Json& faults);
TextTable balance_table(const Json& balance);

/// "2 CPUs: AMD EPYC 7B13, virtual, ..." as one sentence.
std::string machine_text(const Json& document);
/// "43 pictures, 48 MB, 312 megapixels"; "": the document has no set.
std::string set_text(const Json& document);
/// "8 rounds after 1 warm-up, ..."
std::string method_text(const Json& runs);

}  // namespace tessera::pipeline
