// Horizontal bars: one for each configuration or row, with an interval, stacked of parts, or as points on a log axis.
#pragma once

#include <string>
#include <vector>

#include "pipeline/compare/html_svg.h"

namespace tessera::pipeline::html {

struct BarPart {
  double value = 0;
  std::size_t fill = 0;
  std::string letter;  // drawn inside where there is room
};

struct Bar {
  std::string name;            // as it is; escaped here
  std::vector<BarPart> parts;  // from the left
  BarPart beneath;             // a thin bar under it, of something that is no part of the sum
  double low = 0, high = 0;    // an interval around the sum; low = high: a line across, both 0: none
  std::string figures;         // SVG text beside the bar
};

struct Bars {
  Unit unit = Unit::kSeconds;
  std::string axis;  // its title
  bool log = false;  // a point and its interval, as lengths mean nothing there
  std::vector<Bar> bars;
  double figures_px = 150;  // room for Bar::figures on wide pages
};

Drawing draw_bars(const Bars&, Fit);

}  // namespace tessera::pipeline::html
