#include "pipeline/compare/html_bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tessera::pipeline::html {
namespace {

constexpr double kBarPx = 18, kAxisPx = 46, kNamesPx = 325, kBeneathPx = 6;

double sum(const Bar& bar) {
  double all = 0;
  for (const BarPart& part : bar.parts) all += part.value;
  return all;
}

// Where things lie: on wide pages names stand left of the bars and figures right of them; on telephones above them.
struct Layout {
  double left, right, row, bar_top;
  bool two_lines = false;  // above each bar
};

Layout layout_of(const Bars& bars, Fit fit) {
  double names = 0, both = 0;
  for (const Bar& bar : bars.bars) {
    names = std::max(names, text_width(bar.name));
    both = std::max(both, text_width(bar.name) + text_width(without_tags(bar.figures)) + 18);
  }
  const double width = width_of(fit);
  if (fit == Fit::kNarrow) {
    const double lines = both > width ? 2 : 1;
    return {4, width - 14, kBarPx + 14 + 18 * lines, 4 + 18 * lines, lines > 1};
  }
  return {std::clamp(names, 60.0, kNamesPx) + 14, width - bars.figures_px, kBarPx + 12, 6};
}

Scale scale_of(const Bars& bars, const Layout& layout) {
  double least = std::numeric_limits<double>::max(), most = 0;
  for (const Bar& bar : bars.bars) {
    most = std::max({most, sum(bar), bar.high, bar.beneath.value});
    for (const double value : {sum(bar), bar.low})
      if (value > 0) least = std::min(least, value);
  }
  if (bars.log && most > 0) return Scale::decades(least, most, layout.left, layout.right);
  return Scale::linear(0, most, layout.left, layout.right);
}

std::string interval(const Bar& bar, const Scale& scale, double middle) {
  if (bar.high <= 0) return "";
  const double low = scale.px(bar.low), high = scale.px(bar.high);
  return line(low, middle, high, middle, "ci") + line(low, middle - 5, low, middle + 5, "ci") +
         line(high, middle - 5, high, middle + 5, "ci");
}

std::string one_bar(const Bars& bars, const Bar& bar, const Scale& scale, double left, double top) {
  std::string body;
  if (bars.log) {
    const double middle = top + kBarPx / 2, point = scale.px(sum(bar));
    body += line(left, middle, point, middle, "leader");
    if (scale.px(bar.high) - scale.px(bar.low) > 9) body += interval(bar, scale, middle);  // else under the point
    return body + marker(0, point, middle);
  }
  double before = 0;
  for (const BarPart& part : bar.parts) {
    const double from = scale.px(before), to = scale.px(before += part.value);
    body += rect(from, top, to - from, kBarPx, fill_class(part.fill));
    if (!part.letter.empty() && to - from > text_width(part.letter) + 10)
      body += rect((from + to) / 2 - 8, top + 2, 16, kBarPx - 4, "plate") +
              text_at((from + to) / 2, top + kBarPx - 5, escape(part.letter), "middle letter");
  }
  if (bar.beneath.value > 0)
    body += rect(left, top + kBarPx, scale.px(bar.beneath.value) - left, kBeneathPx, fill_class(bar.beneath.fill));
  return body + interval(bar, scale, top + kBarPx / 2);
}

}  // namespace

Drawing draw_bars(const Bars& bars, Fit fit) {
  const bool wide = fit == Fit::kWide;
  const Layout layout = layout_of(bars, fit);
  const Scale scale = scale_of(bars, layout);
  const double bottom = layout.row * static_cast<double>(bars.bars.size()) + 6;
  Drawing drawing{width_of(fit), bottom + kAxisPx, ""};
  for (const double tick : scale.ticks(wide ? 80 : 62)) {
    const double x = scale.px(tick);
    if (wide) drawing.body += line(x, 2, x, bottom + 4, "grid");
    // On telephones lines would run through the names.
    for (double y = layout.bar_top; !wide && y < bottom; y += layout.row)
      drawing.body += line(x, y - 1, x, y + kBarPx + 1, "grid");
    const bool last = x > layout.right - 24 && !wide;
    drawing.body += text_at(last ? drawing.width - 2 : x, bottom + 19,
                            escape(tick_text(tick, bars.unit, bars.log ? tick : scale.high())),
                            last     ? "tick end"
                            : x < 20 ? "tick"
                                     : "tick middle");
  }
  drawing.body += text_at(wide ? (layout.left + layout.right) / 2 : layout.left, bottom + 38, bars.axis,
                          wide ? "axis middle" : "axis");
  double top = layout.bar_top;
  for (const Bar& bar : bars.bars) {
    drawing.body += one_bar(bars, bar, scale, layout.left, top);
    if (wide) {
      drawing.body += text_at(layout.left - 10, top + 14, fitted(bar.name, kNamesPx), "end");
      drawing.body += text_at(layout.right + 12, top + 14, bar.figures, "figures");
    } else {
      drawing.body += text_at(layout.left, top - (layout.two_lines ? 24 : 6), fitted(bar.name, drawing.width - 8));
      drawing.body += layout.two_lines ? text_at(layout.left, top - 6, bar.figures, "figures")
                                       : text_at(drawing.width - 4, top - 6, bar.figures, "end figures");
    }
    top += layout.row;
  }
  if (wide) drawing.body += line(layout.left, 0, layout.left, bottom, "base");
  return drawing;
}

}  // namespace tessera::pipeline::html
