#include "pipeline/compare/html_bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tessera::pipeline::html {
namespace {

constexpr double kBarPx = 18, kAxisPx = 46;

double sum(const Bar& bar) {
  double all = 0;
  for (const BarPart& part : bar.parts) all += part.value;
  return all;
}

// Where things lie: on wide pages names stand left of the bars and figures right of them; on telephones above them.
struct Layout {
  double left, right, row, bar_top;
};

Layout layout_of(const Bars& bars, Fit fit) {
  if (fit == Fit::kNarrow) return {4, width_of(fit) - 14, kBarPx + 32, 22};
  double names = 0;
  for (const Bar& bar : bars.bars) names = std::max(names, text_width(bar.name));
  return {std::clamp(names, 60.0, 250.0) + 14, width_of(fit) - bars.figures_px, kBarPx + 12, 6};
}

Scale scale_of(const Bars& bars, const Layout& layout) {
  double least = std::numeric_limits<double>::max(), most = 0;
  for (const Bar& bar : bars.bars) {
    most = std::max({most, sum(bar), bar.high});
    for (const double value : {sum(bar), bar.low})
      if (value > 0) least = std::min(least, value);
  }
  if (bars.log && most > 0) return Scale::logarithmic(least, most, layout.left, layout.right);
  return Scale::linear(most, layout.left, layout.right);
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
    const double middle = top + kBarPx / 2;
    body += line(left, middle, scale.px(sum(bar)), middle, "leader");
    return body + interval(bar, scale, middle) + marker(0, scale.px(sum(bar)), middle);
  }
  double before = 0;
  for (const BarPart& part : bar.parts) {
    const double from = scale.px(before), to = scale.px(before += part.value);
    body += rect(from, top, to - from, kBarPx, fill_class(part.fill));
    if (!part.letter.empty() && to - from > text_width(part.letter) + 10)
      body += rect((from + to) / 2 - 8, top + 2, 16, kBarPx - 4, "plate") +
              text_at((from + to) / 2, top + kBarPx - 5, escape(part.letter), "middle letter");
  }
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
    drawing.body += line(x, 2, x, bottom + 4, "grid");
    const bool last = x > layout.right - 24 && !wide;
    drawing.body += text_at(last ? drawing.width - 2 : x, bottom + 19, escape(tick_text(tick, bars.unit)),
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
      drawing.body += text_at(layout.left - 10, top + 14, fitted(bar.name, 250), "end");
      drawing.body += text_at(layout.right + 12, top + 14, bar.figures, "figures");
    } else {
      const double room = drawing.width - text_width(without_tags(bar.figures)) - 14;
      drawing.body += text_at(layout.left, top - 6, fitted(bar.name, std::max(room, 60.0)));
      drawing.body += text_at(drawing.width - 4, top - 6, bar.figures, "end figures");
    }
    top += layout.row;
  }
  drawing.body += line(layout.left, 0, layout.left, bottom, "base");
  return drawing;
}

}  // namespace tessera::pipeline::html
