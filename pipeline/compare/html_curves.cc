#include "pipeline/compare/html_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace tessera::pipeline::html {
namespace {

constexpr double kLabelPx = 15;  // least distance of two labels

struct Range {
  double low = std::numeric_limits<double>::max(), high = 0;
  void add(double value) {
    if (value > 0) low = std::min(low, value);
    high = std::max(high, value);
  }
};

// Places for labels near where they would like to be, none nearer than kLabelPx to the next, all within [top, bottom].
std::vector<double> apart(const std::vector<double>& wanted, double top, double bottom) {
  std::vector<std::size_t> order(wanted.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return wanted[a] < wanted[b]; });
  std::vector<double> places(wanted.size());
  double next = top;
  for (const std::size_t i : order) {
    places[i] = std::max(wanted[i], next);
    next = places[i] + kLabelPx;
  }
  double below = bottom;
  for (auto i = order.rbegin(); i != order.rend(); ++i) {
    places[*i] = std::min(places[*i], below);
    below = places[*i] - kLabelPx;
  }
  return places;
}

std::string letter(std::size_t index) { return std::string(1, static_cast<char>('A' + index % 26)); }

struct Plot {
  Scale x, y;
  double left, right, top, bottom;
};

std::string axes(const Curves& curves, const Plot& plot, double width) {
  std::string body;
  for (const double tick : plot.y.ticks(34)) {
    const double y = plot.y.px(tick);
    body += line(plot.left, y, plot.right, y, "grid") +
            text_at(plot.left - 7, y + 4, escape(tick_text(tick, curves.y_unit, curves.y_log ? tick : plot.y.high())),
                    "tick end");
  }
  for (const double tick : curves.x_ticks) {
    const double x = plot.x.px(tick);
    body += line(x, plot.top, x, plot.bottom + 4, "grid") +
            text_at(x, plot.bottom + 19, escape(tick_text(tick, curves.x_unit, tick)), "tick middle");
  }
  body += line(plot.left, plot.bottom, plot.right, plot.bottom, "base");
  body += text_at(2, 13, fitted(curves.y_axis, width), "axis");
  return body + text_at((plot.left + plot.right) / 2, plot.bottom + 38, escape(curves.x_axis), "axis middle");
}

std::string one_curve(const Curve& curve, const Plot& plot) {
  std::string path, marks;
  for (const CurvePoint& point : curve.points) {
    const double x = plot.x.px(point.x), y = plot.y.px(point.y);
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x, y);
    if (curve.guide) continue;
    if (point.high > point.low) marks += line(x, plot.y.px(point.low), x, plot.y.px(point.high), "ci");
    marks += marker(curve.series, x, y);
  }
  const std::string style = curve.guide ? fmt::format("guide g{}", curve.series) : "curve " + line_class(curve.series);
  return fmt::format("<path class=\"{}\" d=\"{}\"/>\n{}\n", style, path, marks);
}

std::string labels(const Curves& curves, const Plot& plot, Fit fit, double room) {
  std::vector<double> wanted;
  for (const Curve& curve : curves.curves) wanted.push_back(plot.y.px(curve.points.back().y) + 4);
  const std::vector<double> places = apart(wanted, plot.top + 8, plot.bottom + 4);
  std::string body;
  for (std::size_t i = 0; i < curves.curves.size(); ++i) {
    const Curve& curve = curves.curves[i];
    const double end = plot.x.px(curve.points.back().x);
    body += line(end + 7, wanted[i] - 4, plot.right + 16, places[i] - 4, "leader");
    body += text_at(plot.right + 20, places[i], fit == Fit::kWide ? fitted(curve.name, room) : letter(i));
  }
  return body;
}

Drawing key(const Curves& curves, double width) {
  Drawing drawing{width, 22 * static_cast<double>(curves.curves.size()), ""};
  double y = 12;
  for (std::size_t i = 0; i < curves.curves.size(); ++i, y += 22) {
    const Curve& curve = curves.curves[i];
    const std::string style =
        curve.guide ? fmt::format("guide g{}", curve.series) : "curve " + line_class(curve.series);
    drawing.body += text_at(2, y + 4, letter(i)) + line(20, y, 56, y, style);
    if (!curve.guide) drawing.body += marker(curve.series, 38, y);
    drawing.body += text_at(66, y + 4, fitted(curve.name, width - 66));
  }
  return drawing;
}

}  // namespace

Drawing draw_curves(const Curves& given, Fit fit, double width) {
  const bool wide = fit == Fit::kWide;
  Curves curves = given;
  std::erase_if(curves.curves, [](const Curve& curve) { return curve.points.empty(); });
  if (curves.curves.empty()) return {width, 30, text_at(2, 18, "Nothing was measured here.")};
  Range x, y;
  double names = 0;
  for (const Curve& curve : curves.curves) {
    names = std::max(names, text_width(curve.name));
    for (const CurvePoint& point : curve.points) {
      x.add(point.x);
      for (const double value : {point.y, point.low, point.high}) y.add(value);
    }
  }
  const double room = wide ? std::clamp(names, 40.0, 250.0) : 14;
  const double left = 62, right = width - room - 26, top = 28, bottom = wide ? 330 : 250;
  const double first = left + 16;
  const Plot plot{
      curves.x_log ? Scale::logarithmic(x.low, x.high, first, right) : Scale::linear(x.low, x.high, first, right),
      curves.y_log ? Scale::decades(y.low, y.high, bottom, top) : Scale::linear(0, y.high, bottom, top),
      left,
      right,
      top,
      bottom};
  Drawing drawing{width, bottom + 48, axes(curves, plot, width)};
  for (const Curve& curve : curves.curves) drawing.body += one_curve(curve, plot);
  drawing.body += labels(curves, plot, fit, room);
  return wide ? drawing : stacked({drawing, key(curves, width)}, 6);
}

}  // namespace tessera::pipeline::html
