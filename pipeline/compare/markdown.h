// A comparison as a text to read: the story of threads and processes, told with the figures that were measured.
#pragma once

#include <string>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

/// Markdown (with tables as GitHub has them), UTF-8. Chapters as far as the document has what they tell: machine and
/// method, creating, memory, talking, faults, balance, and what it comes to on these pictures. Each opens with the
/// idea, then has the table and what it means. No figure that is not the document's.
std::string to_markdown(const Json& document);

}  // namespace tessera::pipeline
