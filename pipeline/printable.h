// Names are bytes, terminals are not: what a line of a log may show of them.
#pragma once

#include <string>
#include <string_view>

namespace tessera::pipeline {

/// Text of unknown origin as one that a terminal and a log can show: control characters, and bytes that are no UTF-8,
/// as \x1b. `keep_lines`: newlines and tabs stay.
std::string printable(std::string_view, bool keep_lines = false);

}  // namespace tessera::pipeline
