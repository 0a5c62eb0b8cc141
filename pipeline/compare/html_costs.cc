#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "pipeline/compare/figures.h"
#include "pipeline/compare/html_bars.h"
#include "pipeline/compare/html_curves.h"
#include "pipeline/compare/html_parts.h"

namespace tessera::pipeline::html {
namespace {

// " per thread", cut to `px`.
std::string per(const At& row, double px = 1000) {
  return row.has("per") ? " per " + fitted(row["per"].text(), px) : "";
}

std::string rows_chart(const At& group) {
  const std::vector<At> rows = group["rows"].items();
  if (rows.empty()) return "";
  Bars bars{Unit::kSeconds, "time, median and 95 % interval", false, {}, 220};
  std::vector<Row> cells;
  double least = rows[0]["seconds"]["median"].number(), most = 0;
  At dear = rows[0], cheap = rows[0];
  for (const At& row : rows) {
    const At seconds = row["seconds"];
    if (seconds["median"].number() < cheap["seconds"]["median"].number()) cheap = row;
    if (seconds["median"].number() > dear["seconds"]["median"].number()) dear = row;
    least = cheap["seconds"]["median"].number();
    most = dear["seconds"]["median"].number();
    bars.bars.push_back({row["name"].text(),
                         {{seconds["median"].number(), 0, ""}},
                         {},
                         seconds["low"].number(),
                         seconds["high"].number(),
                         svg_figure(seconds["median"], Unit::kSeconds) + per(row, 110)});
    cells.push_back({name(row["name"].text()), figure(seconds["median"], Unit::kSeconds),
                     figure(seconds["low"], Unit::kSeconds), figure(seconds["high"], Unit::kSeconds),
                     figure(seconds["min"], Unit::kSeconds), figure(seconds["max"], Unit::kSeconds),
                     figure(seconds["n"], Unit::kCount), escape(row["per"].text())});
  }
  bars.log = least > 0 && most > 20 * least;
  if (bars.log) bars.axis += ", logarithmic";
  std::string finding = fmt::format("{}{}, {}{}", rows.size() > 1 ? "Least: " : "", name(cheap["name"].text()),
                                    figure(cheap["seconds"]["median"], Unit::kSeconds), per(cheap));
  if (rows.size() > 1)
    finding += fmt::format("; most: {}, {}{}", name(dear["name"].text()),
                           figure(dear["seconds"]["median"], Unit::kSeconds), per(dear));
  const std::string id = escape(group["id"].text()) + "-rows";
  return figure_element(
      {id, finding + ".",
       bars.log ? "Each point is a median with its 95 % interval. The axis is logarithmic: each line is ten "
                  "times the one before."
                : "Each bar is a median, its bracket the 95 % interval.",
       [bars](Fit fit) { return draw_bars(bars, fit); },
       table(escape(group["title"].text()), {"What", "Median", "From", "To", "Least", "Most", "Samples", "Per"},
             cells)});
}

struct Axis {
  std::string title;
  Unit unit;
  bool log;
};

Axis x_axis(const std::string& x) {
  if (x == "bytes") return {"size", Unit::kSize, true};
  if (x == "private_bytes") return {"private memory of the parent", Unit::kSize, true};
  return {"threads", Unit::kCount, false};
}

std::string curves_table(const At& group, const Axis& axis) {
  std::vector<Row> rows;
  for (const At& curve : group["curves"].items())
    for (const At& point : curve["points"].items())
      rows.push_back({name(curve["name"].text()), figure(point["x"], axis.unit),
                      figure(point["seconds"]["median"], Unit::kSeconds),
                      figure(point["seconds"]["low"], Unit::kSeconds), figure(point["seconds"]["high"], Unit::kSeconds),
                      figure(point["seconds"]["min"], Unit::kSeconds), figure(point["seconds"]["max"], Unit::kSeconds),
                      figure(point["seconds"]["n"], Unit::kCount)});
  return table(escape(group["title"].text()), {"What", axis.title, "Median", "From", "To", "Least", "Most", "Samples"},
               rows);
}

// The dearest and the cheapest where the axis ends.
std::string curves_finding(const At& group, const Axis& axis) {
  const auto last = [](const At& curve) { return curve["points"][curve["points"].items().size() - 1]; };
  std::vector<At> curves;
  double furthest = 0;
  for (const At& curve : group["curves"].items())
    if (!curve["points"].items().empty()) furthest = std::max(furthest, last(curve)["x"].number());
  for (const At& curve : group["curves"].items())
    if (!curve["points"].items().empty() && last(curve)["x"].number() >= furthest) curves.push_back(curve);
  if (curves.empty()) return "Nothing was measured.";
  const auto time = [&](const At& curve) { return last(curve)["seconds"]["median"].number(); };
  const auto [low, high] =
      std::minmax_element(curves.begin(), curves.end(), [&](const At& a, const At& b) { return time(a) < time(b); });
  const auto words = [&](const At& curve) {
    return fmt::format("{}: {}", name(curve["name"].text()), figure(last(curve)["seconds"]["median"], Unit::kSeconds));
  };
  const std::string where = axis.unit == Unit::kCount
                                ? fmt::format("With {} {}", figure(last(*low)["x"], axis.unit), axis.title)
                                : fmt::format("At {}", figure(last(*low)["x"], axis.unit));
  if (curves.size() == 1) return fmt::format("{}: {}.", where, words(*low));
  return fmt::format("{}: least {}, most {}.", where, words(*low), words(*high));
}

// Of the sizes that were measured those whose labels have room: the last one, and others at least 7 times apart.
std::vector<double> thinned(const std::vector<double>& sorted) {
  std::vector<double> kept;
  for (auto size = sorted.rbegin(); size != sorted.rend(); ++size)
    if (kept.empty() || *size * 7 <= kept.back()) kept.push_back(*size);
  return kept;
}

Curves curves_of(const At& group, const Axis& axis, bool bandwidth) {
  const std::string of = group["per"].text();
  Curves curves{axis.unit,  bandwidth ? Unit::kPerSecond : Unit::kSeconds,
                axis.title, bandwidth ? "bandwidth, size / median time" : "time" + (of.empty() ? "" : " per " + of),
                axis.log,   true,
                {},         {}};
  std::size_t series = 0;
  for (const At& curve : group["curves"].items()) {
    Curve drawn{curve["name"].text(), series++, {}};
    for (const At& point : curve["points"].items()) {
      const At seconds = point["seconds"];
      const double x = point["x"].number(), median = seconds["median"].number();
      if (median <= 0 || (axis.log && x <= 0)) continue;  // has no place on a logarithmic axis; the table shows it
      if (bandwidth)
        drawn.points.push_back({x, x / median, 0, 0});
      else
        drawn.points.push_back({x, median, std::max(seconds["low"].number(), median / 10), seconds["high"].number()});
      if (std::find(curves.x_ticks.begin(), curves.x_ticks.end(), x) == curves.x_ticks.end())
        curves.x_ticks.push_back(x);
    }
    curves.curves.push_back(drawn);
  }
  std::sort(curves.x_ticks.begin(), curves.x_ticks.end());
  if (axis.log) curves.x_ticks = thinned(curves.x_ticks);
  return curves;
}

std::string curves_charts(const At& group) {
  if (group["curves"].items().empty()) return "";
  const Axis axis = x_axis(group["x"].text());
  const std::string id = escape(group["id"].text());
  const Curves latency = curves_of(group, axis, false);
  const std::string data = curves_table(group, axis), finding = curves_finding(group, axis);
  std::string out = figure_element({id + "-latency", finding,
                                    axis.log ? "Median times with 95 % intervals; both axes are logarithmic."
                                             : "Median times with 95 % intervals; the axis of times is logarithmic.",
                                    [latency](Fit fit) { return draw_curves(latency, fit, width_of(fit)); }, data});
  if (group["id"].text() != "handover") return out;
  const Curves bandwidth = curves_of(group, axis, true);
  return out + figure_element(
                   {id + "-bandwidth", "The same measurements as bandwidth. " + finding,
                    "The size divided by the median time; higher is better. What hands over a handle grows with the "
                    "size without a limit, because no byte is moved.",
                    [bandwidth](Fit fit) { return draw_curves(bandwidth, fit, width_of(fit)); }, data});
}

}  // namespace

std::string costs_part(const At& document) {
  const At costs = document["costs"];
  if (!costs.there()) return "";
  std::string out =
      "<section aria-labelledby=\"costs\">\n" + heading(2, "costs", "What threads and processes cost here");
  if (costs["quick"].yes()) out += paragraph("Measured quickly (--quick): fewer samples, wider intervals.", "note");
  for (const At& group : costs["groups"].items()) {
    out += heading(3, "costs-" + escape(group["id"].text()), escape(group["title"].text()));
    out += paragraph(escape(group["explanation"].text())) + rows_chart(group) + curves_charts(group);
    out += paragraph("<strong>Method.</strong> " + escape(group["method"].text()), "reading");
  }
  return out + "</section>\n";
}

}  // namespace tessera::pipeline::html
