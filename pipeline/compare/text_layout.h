// Laying text out for a terminal of some width. Widths are counted in code points.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/compare/tables.h"

namespace tessera::pipeline {

struct Layout {
  int width = 80;  // at least 40
  bool unicode = true;
};

std::size_t text_width(std::string_view utf8);

/// Words in lines of at most the width, all but the first with `indent` blanks before it; a number keeps its unit;
/// words that are longer are cut in pieces.
std::string wrapped(std::string_view text, const Layout&, std::size_t indent = 0);

/// A command in lines that a shell takes as one: broken between words only, with a backslash. A word that is longer
/// than the width stays whole.
std::string wrapped_command(std::string_view quoted, const Layout&);

/// Columns under each other, the first to the left and numbers to the right. Columns that do not fit beside each other
/// go below in a block of their own, with the first repeated; cells that fit nowhere are cut and end with "..".
std::string laid_out(const TextTable&, const Layout&);

/// `part` of `cells` as a bar, in eighths of a cell or in "#"; what is not 0 is seen.
std::string bar(double part, std::size_t cells, bool unicode);

/// Values from 0 to 1 as heights, averaged down to at most `cells`.
std::string sparkline(const std::vector<double>& values, std::size_t cells, bool unicode);

}  // namespace tessera::pipeline
