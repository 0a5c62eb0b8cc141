#include "pipeline/compare/html_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/compare/figures.h"

namespace tessera::pipeline::html {
namespace {

const Json kNothing;

// RFC 6901.
std::string pointer_word(const std::string& key) {
  std::string word;
  for (const char c : key) word += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return word;
}

constexpr std::string_view kNotMeasured = "<span class=\"none\" role=\"img\" aria-label=\"not measured\">–</span>";

}  // namespace

std::string show(double value, Unit unit) {
  switch (unit) {
    case Unit::kSeconds:
      return seconds_text(value);
    case Unit::kBytes:
      return bytes_text(value);
    case Unit::kSize:
      return binary_size_text(value);
    case Unit::kCount:
      return count_text(value);
    case Unit::kTimes:
      return ratio_text(value) + "×";
    case Unit::kPart:
      return percent_text(value);
    case Unit::kPerSecond:
      return rate_text(value, "/s");
    case Unit::kNumber:
      return digits(value);
  }
  return "";
}

At At::operator[](const std::string& key) const {
  const bool found = value_->is_object() && value_->contains(key);
  return At(found ? (*value_)[key] : kNothing, pointer_ + "/" + pointer_word(key));
}

At At::operator[](std::size_t index) const {
  const bool found = value_->is_array() && index < value_->size();
  return At(found ? (*value_)[index] : kNothing, fmt::format("{}/{}", pointer_, index));
}

std::vector<At> At::items() const {
  std::vector<At> all;
  if (value_->is_array())
    for (std::size_t i = 0; i < value_->size(); ++i) all.push_back((*this)[i]);
  return all;
}

std::vector<std::string> At::keys() const {
  std::vector<std::string> all;
  if (value_->is_object())
    for (const auto& item : value_->items()) all.push_back(item.key());
  return all;
}

double At::number() const { return value_->is_number() ? value_->get<double>() : 0; }
std::string At::text() const { return value_->is_string() ? value_->get<std::string>() : ""; }

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else if ((c >= 0 && c < ' ' && c != '\n' && c != '\t') || c == 0x7f)
      out += "\uFFFD";
    else
      out += c;
  }
  return out;
}

std::string words(std::string_view text) {
  constexpr std::size_t kLongest = 24;  // an option; anything longer must be allowed to break
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \n\t", at), text.size());
    const std::string_view word = text.substr(at, end - at);
    const bool option = word.size() > 1 && word.size() <= kLongest && word[0] == '-';
    out += option ? "<span class=\"option\">" + escape(word) + "</span>" : escape(word);
    if (end < text.size()) out += text[end];
    at = end + 1;
  }
  return out;
}

std::string name(std::string_view text) { return "<bdi>" + words(text) + "</bdi>"; }

std::string figure(const At& at, Unit unit) {
  if (!at.there()) return std::string(kNotMeasured);
  return fmt::format(R"(<data value="{}" data-json="{}">{}</data>)", at.json(), escape(at.pointer()),
                     escape(show(at.number(), unit)));
}

std::string svg_figure(const At& at, Unit unit) {
  if (!at.there()) return "–";
  return fmt::format(R"(<tspan data-value="{}" data-json="{}">{}</tspan>)", at.json(), escape(at.pointer()),
                     escape(show(at.number(), unit)));
}

std::string median(const At& summary, Unit unit) {
  if (!summary.there()) return std::string(kNotMeasured);
  return fmt::format("{} <span class=\"interval\">({} to {})</span>", figure(summary["median"], unit),
                     figure(summary["low"], unit), figure(summary["high"], unit));
}

std::string without_tags(std::string_view html) {
  std::string text;
  bool inside = false;
  for (const char c : html) {
    if (c == '<') inside = true;
    if (!inside) text += c;
    if (c == '>') inside = false;
  }
  return text;
}

std::string table(const std::string& caption, const std::vector<std::string>& columns, const std::vector<Row>& rows) {
  std::string out = fmt::format(
      "<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
      "aria-label=\"{0}\"><table><caption>{0}</caption>\n<thead><tr>",
      without_tags(caption));
  for (const std::string& column : columns) out += "<th scope=\"col\">" + column + "</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (const Row& row : rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      out += i == 0 ? "<th scope=\"row\">" + row[i] + "</th>" : "<td>" + row[i] + "</td>";
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string heading(int level, const std::string& id, const std::string& html) {
  return fmt::format("<h{0} id=\"{1}\">{2}</h{0}>\n", level, id, html);
}

std::string paragraph(const std::string& html, const std::string& style) {
  return (style.empty() ? "<p>" : "<p class=\"" + style + "\">") + html + "</p>\n";
}

std::string command_block(const std::string& command) {
  return "<pre class=\"command\" tabindex=\"0\" aria-label=\"command line\"><code>" + words(command) +
         "</code></pre>\n";
}

}  // namespace tessera::pipeline::html
