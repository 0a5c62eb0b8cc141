// A comparison as one HTML page that needs nothing else: no script, no network, no file beside it. Made from the
// document alone, which it carries: every figure names its place there (`data-json`), so that it can be checked.
// Charts are SVG; what differs in them differs by pattern, marker or dashes and by a label, never by colour alone, and
// each is followed by its figures as a table.
#pragma once

#include <string>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

/// The whole page, of the sections that are there. Text of the document is escaped, whatever it holds. The document is
/// embedded as <script type="application/json" id="tessera-compare">.
std::string to_html(const Json& document);

}  // namespace tessera::pipeline
