// Curves over a linear or logarithmic axis, with intervals, markers, dashes and a label at each end.
#pragma once

#include <string>
#include <vector>

#include "pipeline/compare/html_svg.h"

namespace tessera::pipeline::html {

struct CurvePoint {
  double x = 0, y = 0, low = 0, high = 0;  // low = high: no interval
};

struct Curve {
  std::string name;
  std::size_t series = 0;  // how its line and its markers look
  std::vector<CurvePoint> points;
  bool guide = false;  // what measurements are held against: a thin line without markers
};

struct Curves {
  Unit x_unit = Unit::kNumber, y_unit = Unit::kSeconds;
  std::string x_axis, y_axis;  // titles, as they are
  bool x_log = false, y_log = false;
  std::vector<double> x_ticks;
  std::vector<Curve> curves;
};

/// Beside the curves of a wide drawing stand their names; in narrow ones letters do, and a key below explains them.
Drawing draw_curves(const Curves&, Fit, double width);

}  // namespace tessera::pipeline::html
