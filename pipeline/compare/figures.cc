#include "pipeline/compare/figures.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "pipeline/size_text.h"

namespace tessera::pipeline {
namespace {

struct Unit {
  double seconds;
  std::string_view name;
};

/// The unit in which the time has one to three digits before the point, after rounding.
Unit unit_of(double seconds) {
  constexpr std::array<Unit, 3> kUnits{{{1e-9, "ns"}, {1e-6, "us"}, {1e-3, "ms"}}};
  if (seconds != 0)
    for (const Unit& unit : kUnits)
      if (std::abs(seconds) / unit.seconds < 999.5) return unit;
  return {1, "s"};
}

std::string interval_text(const Json& of, double unit) {
  return fmt::format("[{}, {}]", digits(of.at("low").get<double>() / unit), digits(of.at("high").get<double>() / unit));
}

}  // namespace

std::string digits(double value) {
  if (value == 0) return "0";
  int decimals = 2 - static_cast<int>(std::floor(std::log10(std::abs(value))));
  // 9.996 has three digits as 10.0, not as 10.00.
  if (decimals > 0 && std::abs(value) >= 10 * std::pow(10, -decimals + 2) - 0.5 * std::pow(10, -decimals)) --decimals;
  return fmt::format("{:.{}f}", value, std::max(decimals, 0));
}

std::string seconds_text(double seconds) {
  const Unit unit = unit_of(seconds);
  return fmt::format("{} {}", digits(seconds / unit.seconds), unit.name);
}

std::string seconds_interval(const Json& summary) {
  const auto median = summary.at("median").get<double>();
  return fmt::format("{} {}", seconds_text(median), interval_text(summary, unit_of(median).seconds));
}

std::string ratio_text(double ratio) { return digits(ratio); }

std::string ratio_interval(const Json& ratio) {
  return fmt::format("{} {}", digits(ratio.at("ratio").get<double>()), interval_text(ratio, 1));
}

std::string percent_text(double part) {
  const double percent = part * 100;
  const double size = std::abs(percent);
  return fmt::format("{:.{}f} %", percent, size == 0 || size >= 9.95 ? 0 : size >= 0.1 ? 1 : 2);
}

std::string count_text(double count) {
  if (std::abs(count) < 999.5) return count == std::floor(count) ? fmt::format("{:.0f}", count) : digits(count);
  const std::string whole = fmt::format("{:.0f}", count);
  std::string text;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    text += whole[i];
    const std::size_t left = whole.size() - 1 - i;
    if (left > 0 && left % 3 == 0 && whole[i] != '-') text += ',';
  }
  return text;
}

std::string counted(std::size_t count, std::string_view noun) {
  if (count == 0) return fmt::format("no {}", noun);
  return fmt::format("{} {}{}", count_text(static_cast<double>(count)), noun, count == 1 ? "" : "s");
}

std::string bytes_text(double bytes) {
  return bytes < 0 ? "-" : format_bytes(static_cast<std::uint64_t>(std::llround(bytes)));
}

std::string binary_size_text(double bytes) {
  constexpr std::array<std::string_view, 3> kUnits{"KiB", "MiB", "GiB"};
  for (std::size_t i = kUnits.size(); i-- > 0;) {
    const double size = bytes / std::pow(1024, static_cast<double>(i + 1));
    if (size >= 1 && size < 1024 && size == std::floor(size)) return fmt::format("{:.0f} {}", size, kUnits[i]);
  }
  return bytes_text(bytes);
}

std::string rate_text(double per_second, std::string_view unit) {
  return fmt::format("{}{}{}", digits(per_second), unit.empty() ? "" : " ", unit);
}

std::string list_text(const std::vector<std::string>& items) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i)
    text += (i == 0 ? "" : i + 1 == items.size() ? " and " : ", ") + items[i];
  return text;
}

}  // namespace tessera::pipeline
