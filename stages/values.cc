#include "stages/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace tessera::stages {
namespace {

[[noreturn]] void reject(std::string sentence) { throw std::invalid_argument(std::move(sentence)); }

std::optional<double> to_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string join(std::span<const std::string_view> words) { return fmt::format("{}", fmt::join(words, ", ")); }

std::string canonical_number(std::string_view where, const Parameter& p, const std::string& text) {
  const auto value = to_number(text);
  const bool integer = p.type == ParameterType::integer;
  if (!value || (integer && *value != std::floor(*value)))
    reject(fmt::format("{}: '{}' is not {} number", where, text, integer ? "a whole" : "a"));
  if (integer && std::abs(*value) > std::numeric_limits<std::int32_t>::max())
    reject(fmt::format("{}: {} is out of range", where, text));
  if ((p.min && *value < *p.min) || (p.max && *value > *p.max)) {
    const std::string range = p.min && p.max ? fmt::format("between {} and {}", *p.min, *p.max)
                              : p.min        ? fmt::format("at least {}", *p.min)
                                             : fmt::format("at most {}", *p.max);
    reject(fmt::format("{}: {} is out of range; it must be {}{}{}", where, text, range, p.unit.empty() ? "" : " ",
                       p.unit));
  }
  return fmt::format("{}", *value == 0 ? 0.0 : *value);  // shortest form that reads back the same; no "-0"
}

std::string canonical(std::string_view where, const Parameter& p, const std::string& text) {
  switch (p.type) {
    case ParameterType::number:
    case ParameterType::integer:
      return canonical_number(where, p, text);
    case ParameterType::boolean:
      for (const std::string_view yes : {"true", "yes", "on", "1"})
        if (text == yes) return "true";
      for (const std::string_view no : {"false", "no", "off", "0"})
        if (text == no) return "false";
      reject(fmt::format("{}: '{}' is not true or false", where, text));
    case ParameterType::choice: {
      if (std::ranges::find(p.choices, text) != p.choices.end()) return text;
      const std::string_view near = nearest(text, p.choices);
      reject(fmt::format("{}: '{}' is not one of {}{}", where, text, join(p.choices),
                         near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
    }
    case ParameterType::color: {
      try {
        const Color c = parse_color(text);
        const auto byte = [](double v) { return static_cast<int>(std::lround(v * 255)); };
        return c.alpha == 1
                   ? fmt::format("#{:02x}{:02x}{:02x}", byte(c.red), byte(c.green), byte(c.blue))
                   : fmt::format("#{:02x}{:02x}{:02x}{:02x}", byte(c.red), byte(c.green), byte(c.blue), byte(c.alpha));
      } catch (const std::invalid_argument& e) {
        reject(fmt::format("{}: {}", where, e.what()));
      }
    }
    case ParameterType::text:
      return text;
  }
  return text;
}

struct NamedColor {
  std::string_view name, hex;
};
constexpr std::array<NamedColor, 19> kNamedColors{{{"black", "#000000"},
                                                   {"white", "#ffffff"},
                                                   {"gray", "#808080"},
                                                   {"grey", "#808080"},
                                                   {"silver", "#c0c0c0"},
                                                   {"red", "#ff0000"},
                                                   {"maroon", "#800000"},
                                                   {"yellow", "#ffff00"},
                                                   {"olive", "#808000"},
                                                   {"lime", "#00ff00"},
                                                   {"green", "#008000"},
                                                   {"aqua", "#00ffff"},
                                                   {"teal", "#008080"},
                                                   {"blue", "#0000ff"},
                                                   {"navy", "#000080"},
                                                   {"fuchsia", "#ff00ff"},
                                                   {"purple", "#800080"},
                                                   {"orange", "#ffa500"},
                                                   {"transparent", "#00000000"}}};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) best = candidate, best_distance = distance;
  }
  return best;
}

Color parse_color(std::string_view text) {
  std::string_view hex = text;
  for (const NamedColor& named : kNamedColors)
    if (named.name == text) hex = named.hex;
  const auto digit = [&](std::size_t i) {
    const char c = hex[i];
    const int value = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (value < 0)
      reject(fmt::format("'{}' is not a colour (write #rrggbb, #rrggbbaa, #rgb or a name such as white)", text));
    return value;
  };
  if (hex.size() == 4 && hex[0] == '#') return {digit(3) * 17 / 255.0, digit(2) * 17 / 255.0, digit(1) * 17 / 255.0, 1};
  if ((hex.size() == 7 || hex.size() == 9) && hex[0] == '#') {
    const auto byte = [&](std::size_t i) { return (digit(i) * 16 + digit(i + 1)) / 255.0; };
    return {byte(5), byte(3), byte(1), hex.size() == 9 ? byte(7) : 1};
  }
  reject(fmt::format("'{}' is not a colour (write #rrggbb, #rrggbbaa, #rgb or a name such as white)", text));
}

Values Values::parse(std::string_view owner, std::span<const Parameter> parameters, std::span<const Pair> given) {
  std::vector<const std::string*> found(parameters.size(), nullptr);
  for (const auto& [name, text] : given) {
    std::size_t index = 0;
    if (name.empty()) {
      if (parameters.empty()) reject(fmt::format("{}: takes no parameter, but '{}' was given", owner, text));
    } else {
      index = static_cast<std::size_t>(std::ranges::find(parameters, name, &Parameter::name) - parameters.begin());
      if (index == parameters.size()) {
        std::vector<std::string_view> names;
        for (const Parameter& p : parameters) names.push_back(p.name);
        const std::string_view near = nearest(name, names);
        reject(fmt::format("{}: there is no parameter '{}'{}", owner, name,
                           !near.empty()   ? fmt::format("; did you mean '{}'?", near)
                           : names.empty() ? "; it takes none"
                                           : fmt::format("; it takes {}", join(names))));
      }
    }
    if (found[index]) reject(fmt::format("{}: '{}' is given twice", owner, parameters[index].name));
    found[index] = &text;
  }
  Values values;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& p = parameters[i];
    if (!found[i] && p.required) reject(fmt::format("{}: '{}' is missing ({})", owner, p.name, p.help));
    const std::string text = found[i] ? *found[i] : std::string(p.default_value);
    const bool not_set = !found[i] && text.empty();
    values.pairs_.emplace_back(p.name, not_set ? "" : canonical(fmt::format("{} {}", owner, p.name), p, text));
  }
  return values;
}

const std::string& Values::text(std::string_view name) const {
  const auto pair = std::ranges::find(pairs_, name, [](const Pair& p) { return std::string_view(p.first); });
  assert(pair != pairs_.end());
  return pair->second;
}
double Values::number(std::string_view name) const { return to_number(text(name)).value(); }
int Values::integer(std::string_view name) const { return static_cast<int>(number(name)); }
bool Values::boolean(std::string_view name) const { return text(name) == "true"; }

}  // namespace tessera::stages
