// Parameters as a person writes them, described once: help texts, validation, the canonical form and the documentation
// are all read from these descriptions. Used for stages and for encoders.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tessera::stages {

enum class ParameterType : std::uint8_t { number, integer, boolean, choice, color, text };

struct Parameter {
  std::string_view name;
  ParameterType type;
  std::string_view help;           // one sentence
  std::string_view default_value;  // "" with `required`, or "not set"
  bool required = false;
  std::string_view unit = {};      // "px", "deg", ...
  std::optional<double> min = {}, max = {};  // inclusive
  std::vector<std::string_view> choices = {};
};

/// 0..1 per channel, in the order blue, green, red, alpha. Written #rgb, #rrggbb, #rrggbbaa, a CSS basic name or
/// "transparent".
struct Color {
  double blue = 0, green = 0, red = 0, alpha = 1;
  double gray() const { return 0.299 * red + 0.587 * green + 0.114 * blue; }  // BT.601
};
Color parse_color(std::string_view);  // throws std::invalid_argument

/// Checked values of a parameter list: every parameter is present, in the list's order, in its canonical spelling.
class Values {
 public:
  using Pair = std::pair<std::string, std::string>;

  /// Throws std::invalid_argument with a sentence: unknown name (with the nearest known one), wrong type, out of range,
  /// given twice, missing. `owner` names the stage or format in it. A pair with an empty name is the first parameter.
  static Values parse(std::string_view owner, std::span<const Parameter>, std::span<const Pair>);

  double number(std::string_view name) const;
  int integer(std::string_view name) const;
  bool boolean(std::string_view name) const;
  const std::string& text(std::string_view name) const;  // text, choice, color; "" if not set
  Color color(std::string_view name) const { return parse_color(text(name)); }
  bool has(std::string_view name) const { return !text(name).empty(); }

  const std::vector<Pair>& pairs() const { return pairs_; }
  bool operator==(const Values&) const = default;

 private:
  std::vector<Pair> pairs_;
};

/// The known name nearest to `word` by edit distance, if it is near enough to be meant; else empty.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace tessera::stages
