#include "pipeline/compare/text_layout.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <utility>

namespace tessera::pipeline {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kLongestBar = 30;
constexpr std::size_t kShortestBar = 8;

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80; }

/// The first `width` code points.
std::string_view front(std::string_view text, std::size_t width) {
  std::size_t end = 0;
  for (; end < text.size() && width > 0; --width) do
      ++end;
    while (end < text.size() && continues(text[end]));
  return text.substr(0, end);
}

std::string cut(std::string_view text, std::size_t width) {
  if (text_width(text) <= width) return std::string(text);
  return std::string(front(text, width - 2)) + "..";
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string blanks(width - text_width(text), ' ');
  return right ? blanks + text : text + blanks;
}

void end_line(std::string& text) {
  while (!text.empty() && text.back() == ' ') text.pop_back();
  text += '\n';
}

bool is_number(std::string_view text) {
  return text == "-" || (!text.empty() && text.find_first_of("0123456789") <= 1 && !std::isalpha(text[0]));
}

/// Does a unit follow the number that ends at `end`? "1.4 %", "92 MB".
bool is_unit_next(std::string_view text, std::size_t end) {
  if (std::isdigit(static_cast<unsigned char>(text[end - 1])) == 0) return false;
  constexpr std::array<std::string_view, 9> kUnits{"%", "s", "ms", "us", "ns", "B", "KB", "MB", "GB"};
  std::string_view next = text.substr(end + 1);
  next = next.substr(0, next.find_first_of(" \n,;.:()"));
  return std::find(kUnits.begin(), kUnits.end(), next) != kUnits.end();
}

struct Column {
  std::size_t index, width;
  bool right;
};

std::string block(const TextTable& table, const std::vector<Column>& columns, std::size_t bar_cells, bool unicode) {
  std::string text;
  const auto line = [&](const std::vector<std::string>& cells, const std::string& end) {
    for (std::size_t i = 0; i < columns.size(); ++i)
      text += (i == 0 ? "" : std::string(kGap, ' ')) +
              padded(cut(cells[columns[i].index], columns[i].width), columns[i].width, columns[i].right);
    if (!end.empty()) text += std::string(kGap, ' ') + end;
    end_line(text);
  };
  line(table.head, "");
  for (std::size_t i = 0; i < table.rows.size(); ++i)
    line(table.rows[i], bar_cells == 0 ? "" : bar(table.bars[i], bar_cells, unicode));
  return text;
}

}  // namespace

std::size_t text_width(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char byte) { return !continues(byte); }));
}

std::string wrapped(std::string_view text, const Layout& layout, std::size_t indent) {
  const auto width = static_cast<std::size_t>(layout.width);
  std::string lines, line;
  const auto flush = [&] {
    if (text_width(line) > (lines.empty() ? 0 : indent)) lines += line + "\n";
    line.assign(lines.empty() ? 0 : indent, ' ');
  };
  while (!text.empty()) {
    std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    if (end > 0 && end < text.size() && is_unit_next(text, end))
      end = std::min(text.find_first_of(" \n", end + 1), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool begun = text_width(line) > (lines.empty() ? 0 : indent);
    if (begun && text_width(line) + 1 + text_width(word) > width)
      flush();
    else if (begun && !word.empty())
      line += ' ';
    while (text_width(line) + text_width(word) > width) {
      const std::string_view piece = front(word, width - text_width(line));
      line += piece;
      word.remove_prefix(piece.size());
      flush();
    }
    line += word;
  }
  flush();
  return lines;
}

std::string wrapped_command(std::string_view quoted, const Layout& layout) {
  constexpr std::string_view kIndent = "  ";
  std::string lines, line(kIndent), word;
  const auto add = [&] {
    // Two columns stay for " \\".
    if (line != kIndent && text_width(line) + 1 + text_width(word) + 2 > static_cast<std::size_t>(layout.width)) {
      lines += line + " \\\n";
      line = "    ";
    } else if (line != kIndent) {
      line += ' ';
    }
    line += std::exchange(word, "");
  };
  bool inside = false;
  for (const char c : quoted) {
    if (c == '\'') inside = !inside;
    if (c == ' ' && !inside)
      add();
    else
      word += c;
  }
  add();
  return lines + line + "\n";
}

std::string laid_out(const TextTable& table, const Layout& layout) {
  const auto width = static_cast<std::size_t>(layout.width);
  std::vector<Column> all;
  for (std::size_t i = 0; i < table.head.size(); ++i) {
    Column column{i, text_width(table.head[i]), i > 0};
    for (const auto& row : table.rows) {
      column.width = std::max(column.width, text_width(row[i]));
      column.right = column.right && is_number(row[i]);
    }
    column.width = std::min(column.width, i == 0 ? width * 2 / 5 : width - width * 2 / 5 - kGap);
    all.push_back(column);
  }
  std::string text;
  bool first_block = true;
  for (std::size_t next = 1; next < all.size() || (first_block && !all.empty()); first_block = false) {
    std::vector<Column> columns{all[0]};
    std::size_t used = all[0].width;
    for (; next < all.size() && used + kGap + all[next].width <= width; ++next) {
      columns.push_back(all[next]);
      used += kGap + all[next].width;
    }
    const std::size_t left = width - std::min(width, used + kGap);
    const bool drawn = first_block && !table.bars.empty() && left >= kShortestBar;
    text += (first_block ? "" : "\n") + block(table, columns, drawn ? std::min(left, kLongestBar) : 0, layout.unicode);
  }
  return text;
}

std::string bar(double part, std::size_t cells, bool unicode) {
  constexpr std::array<const char*, 8> kEighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto steps_of_cell = unicode ? 8U : 1U;
  auto steps =
      static_cast<std::size_t>(std::llround(std::clamp(part, 0.0, 1.0) * static_cast<double>(cells * steps_of_cell)));
  if (part > 0 && cells > 0) steps = std::max<std::size_t>(steps, 1);
  std::string text;
  for (std::size_t i = 0; i < steps / steps_of_cell; ++i) text += unicode ? "█" : "#";
  return text + kEighths[steps % steps_of_cell];
}

std::string sparkline(const std::vector<double>& values, std::size_t cells, bool unicode) {
  constexpr std::array<const char*, 9> kHeights{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<const char*, 9> kPlain{" ", ".", ":", "-", "=", "+", "*", "%", "#"};
  const std::size_t n = std::min(values.size(), cells);
  std::string text;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t begin = i * values.size() / n, end = (i + 1) * values.size() / n;
    double sum = 0;
    for (std::size_t k = begin; k < end; ++k) sum += values[k];
    const double mean = std::clamp(sum / static_cast<double>(end - begin), 0.0, 1.0);
    // Rounded up: a little work is not nothing.
    const auto height = static_cast<std::size_t>(std::ceil(mean * 8));
    text += (unicode ? kHeights : kPlain)[height];
  }
  return text;
}

}  // namespace tessera::pipeline
