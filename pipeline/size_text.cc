#include "pipeline/size_text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace tessera::pipeline {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

struct Quantity {
  double value = 0;
  std::optional<std::uint64_t> whole;  // exact, where the text has neither dot nor exponent
  std::string unit;                    // lower case
};

/// A number and the letters after it, from the front of `text`, which is shortened. Empty: no number there.
std::optional<Quantity> take_quantity(std::string_view& text) {
  Quantity q;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), q.value, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(q.value) || std::signbit(q.value)) return std::nullopt;
  std::uint64_t whole = 0;
  const auto [whole_end, whole_error] = std::from_chars(text.data(), end, whole);
  if (whole_error == std::errc() && whole_end == end) q.whole = whole;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty() && text[0] == ' ') text.remove_prefix(1);
  while (!text.empty() && (text[0] == '%' || (text[0] | 32) >= 'a') && (text[0] | 32) <= 'z') {
    q.unit += text[0] == '%' ? '%' : static_cast<char>(text[0] | 32);
    text.remove_prefix(1);
  }
  return q;
}

std::uint64_t scaled(const Quantity& q, std::uint64_t factor, std::string_view text, std::string_view where) {
  if (q.whole && *q.whole <= kMax / factor) return *q.whole * factor;
  const long double product = std::floor(static_cast<long double>(q.value) * static_cast<long double>(factor));
  if (q.whole || product >= 18446744073709551616.0L)
    throw UsageError(fmt::format("{}: '{}' is too large", where, text));
  return static_cast<std::uint64_t>(product);
}

std::uint64_t power(std::uint64_t base, std::size_t exponent) {
  std::uint64_t result = 1;
  while (exponent-- > 0) result *= base;
  return result;
}

}  // namespace

std::uint64_t parse_size(std::string_view text, std::string_view where, std::optional<std::uint64_t> total) {
  std::string_view rest = text;
  const auto q = take_quantity(rest);
  if (q && rest.empty()) {
    if (q->unit == "%" && total) {
      if (q->value > 100) throw UsageError(fmt::format("{}: '{}' is more than everything", where, text));
      return static_cast<std::uint64_t>(static_cast<long double>(q->value) / 100 * static_cast<long double>(*total));
    }
    if (q->unit.empty() || q->unit == "b") return scaled(*q, 1, text, where);
    const std::size_t exponent = std::string_view(" kmgtpe").find(q->unit[0]);
    const std::string_view suffix = std::string_view(q->unit).substr(1);
    if (exponent != std::string_view::npos && (suffix.empty() || suffix == "b" || suffix == "ib"))
      return scaled(*q, power(suffix == "b" ? 1000 : 1024, exponent), text, where);
  }
  throw UsageError(fmt::format("{}: '{}' is not a size (write 512M, 4G, 1.5GiB{})", where, text, total ? ", 50%" : ""));
}

std::uint64_t parse_count(std::string_view text, std::string_view where) {
  std::string_view rest = text;
  const auto q = take_quantity(rest);
  if (q && rest.empty() && q->unit.size() <= 1) {
    if (q->unit.empty() && q->whole) return *q->whole;
    const std::size_t exponent = q->unit.empty() ? std::string_view::npos : std::string_view(" kmgt").find(q->unit[0]);
    if (exponent != std::string_view::npos) return scaled(*q, power(1000, exponent), text, where);
  }
  throw UsageError(fmt::format("{}: '{}' is not a number of things (write 1000, 250k, 100M)", where, text));
}

std::chrono::milliseconds parse_duration(std::string_view text, std::string_view where) {
  struct Unit {
    std::string_view name;
    double ms;
  };
  constexpr std::array<Unit, 8> kUnits{
      {{"ms", 1}, {"s", 1e3}, {"sec", 1e3}, {"m", 6e4}, {"min", 6e4}, {"h", 3.6e6}, {"d", 8.64e7}, {"", 1e3}}};
  const auto wrong = [&] {
    return UsageError(fmt::format("{}: '{}' is not a time (write 30s, 500ms, 1m30s, 2h)", where, text));
  };
  double total_ms = 0;
  std::string_view rest = text;
  for (bool first = true; first || !rest.empty(); first = false) {
    const auto q = take_quantity(rest);
    if (!q || (q->unit.empty() && (!first || !rest.empty()))) throw wrong();
    double unit_ms = 0;
    for (const Unit& unit : kUnits)
      if (unit.name == q->unit) unit_ms = unit.ms;
    if (unit_ms == 0) throw wrong();
    total_ms += q->value * unit_ms;
  }
  if (total_ms > 1e15) throw UsageError(fmt::format("{}: '{}' is too long", where, text));
  return std::chrono::milliseconds(std::llround(total_ms));
}

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  constexpr std::array<std::string_view, 6> kUnits{"KB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) value /= 1000, ++unit;
  return value < 9.95 ? fmt::format("{:.1f} {}", value, kUnits[unit]) : fmt::format("{:.0f} {}", value, kUnits[unit]);
}

}  // namespace tessera::pipeline
