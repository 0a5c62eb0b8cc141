// A comparison for a terminal: tables with bars, the verdict in words, last the recommended command and why.
#pragma once

#include <string>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

/// All sections that the document has, in lines of at most `width` columns (at least 40), but for
/// words of a command that are longer: those are there to be copied. `unicode`: block elements for
/// bars, else ASCII. Control characters in names are shown, not sent.
std::string to_terminal(const Json& document, int width, bool unicode);

}  // namespace tessera::pipeline
