#include "pipeline/compare/html_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace tessera::pipeline::html {
namespace {

constexpr double kCharacterPx = 7.3;  // mean of a sans-serif at 13 px; wide scripts take a square each

std::string svg_element(const Chart& chart, Fit fit) {
  const bool wide = fit == Fit::kWide;
  const std::string id = chart.id + (wide ? "-w" : "-n");
  const Drawing drawing = chart.draw(fit);
  return fmt::format(
      "<svg class=\"{0}\" role=\"img\" aria-labelledby=\"{1}-t {1}-d\" viewBox=\"0 0 {2:.0f} {3:.0f}\" "
      "width=\"{2:.0f}\" height=\"{3:.0f}\">\n<title id=\"{1}-t\">{4}</title><desc "
      "id=\"{1}-d\">{5}</desc>\n{6}</svg>\n",
      wide ? "wide" : "narrow", id, drawing.width, drawing.height, without_tags(chart.finding),
      without_tags(chart.reading), drawing.body);
}

// The code points of UTF-8 text: first byte and width.
struct Character {
  std::size_t begin;
  double px;
};
std::vector<Character> characters(std::string_view text) {
  std::vector<Character> all;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) == 0x80) continue;
    all.push_back({i, byte >= 0xE3 ? 13.5 : kCharacterPx});
  }
  return all;
}

}  // namespace

double width_of(Fit fit) { return fit == Fit::kWide ? 840 : 342; }

std::string figure_element(const Chart& chart) {
  return fmt::format(
      "<figure id=\"{}\">\n<figcaption><p class=\"finding\">{}</p><p class=\"reading\">{}</p></figcaption>\n{}{}"
      "<details><summary>The figures of this chart</summary>\n{}</details>\n</figure>\n",
      chart.id, chart.finding, chart.reading, svg_element(chart, Fit::kWide), svg_element(chart, Fit::kNarrow),
      chart.data);
}

Scale Scale::linear(double low, double high, double from_px, double to_px) {
  return Scale(false, low, high > low ? high : low + 1, from_px, to_px);
}

Scale Scale::logarithmic(double low, double high, double from_px, double to_px) {
  return Scale(true, low, high > low ? high : low * 10, from_px, to_px);
}

Scale Scale::decades(double low, double high, double from_px, double to_px) {
  const double first = std::floor(std::log10(low) + 1e-9), last = std::ceil(std::log10(high) - 1e-9);
  return Scale(true, std::pow(10, first), std::pow(10, std::max(last, first + 1)), from_px, to_px);
}

double Scale::px(double value) const {
  const double part =
      log_ ? std::log(std::max(value, low_) / low_) / std::log(high_ / low_) : (value - low_) / (high_ - low_);
  return from_ + part * (to_ - from_);
}

std::vector<double> Scale::ticks(double apart) const {
  std::vector<double> all;
  const double length = std::abs(to_ - from_);
  if (log_) {
    const double step = std::max(1.0, std::ceil(apart * std::log10(high_ / low_) / length));
    for (double power = std::ceil(std::log10(low_) - 1e-9); power <= std::log10(high_) + 1e-9; power += step)
      all.push_back(std::pow(10, power));
    return all;
  }
  const double least = (high_ - low_) * apart / length, power = std::pow(10, std::floor(std::log10(least)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * power >= least) step = factor * power;
  for (double i = std::ceil(low_ / step - 1e-9); i * step <= high_ + step * 1e-9; ++i) all.push_back(i * step);
  return all;
}

std::string tick_text(double value, Unit unit, double largest) {
  if (value == 0) return "0";
  using Prefixes = std::vector<std::pair<double, const char*>>;  // the largest first
  const auto prefixed = [=](const Prefixes& prefixes) {
    for (const auto& [factor, symbol] : prefixes)
      if (largest >= factor * 0.9999) return fmt::format("{:.4g} {}", value / factor, symbol);
    return fmt::format("{:.4g} {}", value / prefixes.back().first, prefixes.back().second);
  };
  if (unit == Unit::kSeconds) return prefixed({{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}});
  if (unit == Unit::kBytes) return prefixed({{1e9, "GB"}, {1e6, "MB"}, {1e3, "KB"}, {1, "B"}});
  if (unit == Unit::kPerSecond)
    return prefixed({{1e12, "TB/s"}, {1e9, "GB/s"}, {1e6, "MB/s"}, {1e3, "KB/s"}, {1, "B/s"}});
  if (unit == Unit::kNumber || unit == Unit::kCount) return fmt::format("{:.6g}", value);
  return show(value, unit);
}

std::string fill_class(std::size_t series) { return fmt::format("f{}", series % kFills); }
std::string line_class(std::size_t series) { return fmt::format("l{}", series % kLines); }

std::string marker(std::size_t series, double x, double y) {
  const std::string place =
      fmt::format("<g class=\"m{}\" transform=\"translate({:.1f} {:.1f})\">", series % kLines, x, y);
  static const std::array<std::string, kLines> shapes{"<circle r=\"4\"/>",
                                                      "<rect x=\"-3.5\" y=\"-3.5\" width=\"7\" height=\"7\"/>",
                                                      "<path d=\"M0-5 4.8 3.6H-4.8z\"/>",
                                                      "<path d=\"M0-5.2 5.2 0 0 5.2-5.2 0z\"/>",
                                                      "<path d=\"M-4-4 4 4M-4 4 4-4\"/>",
                                                      "<path d=\"M0-5V5M-5 0H5\"/>",
                                                      "<path d=\"M0 5 4.8-3.6H-4.8z\"/>",
                                                      "<circle r=\"4\"/><circle r=\"1\"/>"};
  return place + shapes[series % kLines] + "</g>";
}

std::string pattern_definitions() {
  return R"svg(<svg class="patterns" width="0" height="0" aria-hidden="true" focusable="false"><defs>
<pattern id="p1" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<path class="pb" d="M0 0H7V7H0z"/>
<path class="ps" d="M1.5 0V7"/></pattern>
<pattern id="p2" width="6" height="6" patternUnits="userSpaceOnUse">
<path class="pb" d="M0 0H6V6H0z"/>
<circle class="pd" cx="2" cy="2" r="1.3"/></pattern>
<pattern id="p3" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<path class="pb" d="M0 0H6V6H0z"/>
<path class="pt" d="M3 0V6M0 3H6"/></pattern>
<pattern id="p4" width="5" height="5" patternUnits="userSpaceOnUse">
<path class="pb" d="M0 0H5V5H0z"/>
<path class="pt" d="M0 2.5H5"/></pattern>
<pattern id="p5" width="4" height="4" patternUnits="userSpaceOnUse">
<path class="pb" d="M0 0H4V4H0z"/>
<path class="pt" d="M2 0V4"/></pattern>
</defs></svg>
)svg";
}

std::string text_at(double x, double y, const std::string& svg, const std::string& style) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\"{}>{}</text>\n", x, y,
                     style.empty() ? "" : " class=\"" + style + "\"", svg);
}

std::string line(double x1, double y1, double x2, double y2, const std::string& style) {
  return fmt::format("<path class=\"{}\" d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\"/>\n", style, x1, y1, x2, y2);
}

std::string rect(double x, double y, double width, double height, const std::string& style) {
  return fmt::format("<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.1f}\"/>\n", style, x, y,
                     std::max(width, 0.0), height);
}

double text_width(std::string_view text) {
  double px = 0;
  for (const Character& c : characters(text)) px += c.px;
  return px;
}

std::string fitted(std::string_view text, double px) {
  if (text_width(text) <= px) return escape(text);
  double used = 13;  // the ellipsis
  for (const Character& c : characters(text)) {
    used += c.px;
    if (used > px) return escape(text.substr(0, c.begin)) + "…";
  }
  return escape(text);
}

Drawing fill_key(const std::vector<std::pair<std::size_t, std::string>>& fills, double width) {
  Drawing key{width, 24, ""};
  double x = 0;
  for (const auto& [fill, words] : fills) {
    const double needs = 30 + text_width(words) + 14;
    if (x > 0 && x + needs > width) {
      x = 0;
      key.height += 22;
    }
    key.body += rect(x + 1, key.height - 18, 22, 13, fill_class(fill));
    key.body += text_at(x + 30, key.height - 7, fitted(words, width - 30));
    x += needs;
  }
  return key;
}

Drawing stacked(const std::vector<Drawing>& drawings, double gap) {
  Drawing all;
  for (const Drawing& drawing : drawings) {
    if (all.height > 0) all.height += gap;
    all.body += fmt::format("<g transform=\"translate(0 {:.1f})\">\n{}</g>\n", all.height, drawing.body);
    all.width = std::max(all.width, drawing.width);
    all.height += drawing.height;
  }
  return all;
}

Drawing beside(const std::vector<Drawing>& drawings, double width) {
  Drawing all{width, 0, ""};
  double x = 0, y = 0;
  for (const Drawing& drawing : drawings) {
    if (x > 0 && x + drawing.width > width) {
      x = 0;
      y = all.height + 24;
    }
    all.body += fmt::format("<g transform=\"translate({:.1f} {:.1f})\">\n{}</g>\n", x, y, drawing.body);
    x += drawing.width + std::min(30.0, std::max(0.0, width - 2 * drawing.width));
    all.height = std::max(all.height, y + drawing.height);
  }
  return all;
}

}  // namespace tessera::pipeline::html
