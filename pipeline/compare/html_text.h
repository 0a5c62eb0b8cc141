// Pieces of the page: values that know their place in the document, escaped text, figures, tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/compare/document.h"

namespace tessera::pipeline::html {

/// A value of the document and its JSON pointer. What is not there is null, at whatever depth it is asked for.
class At {
 public:
  explicit At(const Json& value, std::string pointer = "") : value_(&value), pointer_(std::move(pointer)) {}

  At operator[](const std::string& key) const;
  At operator[](std::size_t index) const;
  bool there() const { return !value_->is_null(); }
  bool has(const std::string& key) const { return (*this)[key].there(); }
  std::vector<At> items() const;          // of an array
  std::vector<std::string> keys() const;  // of an object, in its order
  double number() const;                  // 0 when it is none
  std::string text() const;               // "" when it is none
  bool yes() const { return value_->is_boolean() && value_->get<bool>(); }
  const Json& value() const { return *value_; }
  const std::string& pointer() const { return pointer_; }
  std::string json() const { return value_->dump(); }

 private:
  const Json* value_;
  std::string pointer_;
};

enum class Unit { kSeconds, kBytes, kSize, kCount, kTimes, kPart, kPerSecond, kNumber };

/// A figure as the page shows it: "1.23 s", "8.1 MB", "93 %". kSize: bytes that were chosen, "96 MiB".
std::string show(double value, Unit);
/// `text` for HTML and XML, in elements and in quoted attributes; control characters as U+FFFD.
std::string escape(std::string_view text);
/// Escaped for elements alone; options ("-j2", "--threads") are not broken at their hyphens.
std::string words(std::string_view text);
/// Text whose direction is its own: names, which may be written from right to left.
std::string name(std::string_view text);
/// <data value="..." data-json="/...">: the figure with its place. Null: a dash that says "not measured".
std::string figure(const At&, Unit);
/// The same within an SVG's <text>.
std::string svg_figure(const At&, Unit);
/// "1.23 s (1.20 s to 1.31 s)": the median of a summary, with its interval.
std::string median(const At& summary, Unit);
/// HTML without its tags: what a title of an SVG says.
std::string without_tags(std::string_view html);

using Row = std::vector<std::string>;  // cells, HTML; the first one heads the row
/// A table with a caption and scopes, which scrolls by itself where it is wider than the page.
std::string table(const std::string& caption, const std::vector<std::string>& columns, const std::vector<Row>& rows);
/// A heading with an id, level 2 to 4.
std::string heading(int level, const std::string& id, const std::string& html);
std::string paragraph(const std::string& html, const std::string& style = "");
/// A command for copying: one click selects all of it.
std::string command_block(const std::string& command);

}  // namespace tessera::pipeline::html
