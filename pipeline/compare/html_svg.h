// What all charts share: the figure around a drawing, scales with their ticks, patterns, fitting text.
// Every chart is drawn twice, for wide pages and for telephones, and the style sheet shows the one that fits: text of a
// drawing that is merely made smaller cannot be read.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pipeline/compare/html_text.h"

namespace tessera::pipeline::html {

enum class Fit { kWide, kNarrow };

struct Drawing {
  double width = 0, height = 0;
  std::string body;  // SVG, of this size
};

/// Of a whole chart, px.
double width_of(Fit);

struct Chart {
  std::string id;
  std::string finding;  // HTML: what it shows, with figures. Also the drawing's title
  std::string reading;  // HTML: how to read it. Also its description
  std::function<Drawing(Fit)> draw;
  std::string data;  // its figures as tables
};
std::string figure_element(const Chart&);

/// A linear or logarithmic axis.
class Scale {
 public:
  /// All of [low, high]. A logarithmic one needs 0 < low.
  static Scale linear(double low, double high, double from_px, double to_px);
  static Scale logarithmic(double low, double high, double from_px, double to_px);
  /// A logarithmic one that begins and ends at whole decades.
  static Scale decades(double low, double high, double from_px, double to_px);

  double px(double value) const;
  /// Round values within, or whole decades, at least `apart` px from each other.
  std::vector<double> ticks(double apart) const;
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  Scale(bool log, double low, double high, double from, double to)
      : log_(log), low_(low), high_(high), from_(from), to_(to) {}
  bool log_;
  double low_, high_, from_, to_;
};

/// A tick's value: "0.5 s", "10 us", "100 MB", "2"; in the unit in which one writes `largest`.
std::string tick_text(double value, Unit, double largest);

/// Classes of the style sheet, for series 0, 1, 2...: "f0" fills with a pattern, "l0" strokes a line with dashes.
inline constexpr int kFills = 7, kLines = 8;
std::string fill_class(std::size_t series);
std::string line_class(std::size_t series);
/// The marker of a curve's point.
std::string marker(std::size_t series, double x, double y);
/// The patterns, once in a page.
std::string pattern_definitions();

std::string text_at(double x, double y, const std::string& svg, const std::string& style = "");
std::string line(double x1, double y1, double x2, double y2, const std::string& style);
std::string rect(double x, double y, double width, double height, const std::string& style);
/// Escaped, and cut to what fits into `px` at a size of 13 px, with an ellipsis.
std::string fitted(std::string_view text, double px);
/// About how wide it is at 13 px.
double text_width(std::string_view text);

/// Patterns with their names, in lines as wide as `width`.
Drawing fill_key(const std::vector<std::pair<std::size_t, std::string>>& fills, double width);
/// One under the other; beside each other, as many in a row as fit.
Drawing stacked(const std::vector<Drawing>&, double gap);
Drawing beside(const std::vector<Drawing>&, double width);

}  // namespace tessera::pipeline::html
