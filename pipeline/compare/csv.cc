#include "pipeline/compare/csv.h"

#include <fmt/format.h>

#include <string_view>

namespace tessera::pipeline {
namespace {

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quotes = "\"";
  for (const char c : text) quotes += c == '"' ? std::string(2, c) : std::string(1, c);
  return quotes + '"';
}

/// By the end of a field's name, as the schema's fields are named.
std::string_view unit_of(std::string_view metric) {
  if (metric.ends_with("_per_s")) return "1/s";
  if (metric.ends_with("_s") || metric.find("_s/") != std::string_view::npos || metric == "seconds") return "s";
  if (metric.ends_with("_bytes")) return "B";
  return "1";
}

class Rows {
 public:
  explicit Rows(std::string section) : section_(std::move(section)) {}

  void add(const std::string& name, const std::string& metric, const Json& value, const std::string& run = "") {
    const Json number = value.is_boolean() ? Json(value.get<bool>() ? 1 : 0) : value;
    text_ += fmt::format("{},{},{},{},{},{}\r\n", section_, quoted(name), metric, run, number.dump(), unit_of(metric));
  }
  /// Every number, and the median or ratio of every summary, of an object.
  void add_all(const std::string& name, const Json& object, const std::string& prefix = "") {
    for (const auto& [key, value] : object.items()) {
      if (value.is_number() || value.is_boolean()) add(name, prefix + key, value);
      if (!value.is_object()) continue;
      if (value.contains("median")) add(name, prefix + key, value.at("median"));
      if (value.contains("ratio")) add(name, prefix + key, value.at("ratio"));
      if (key == "memory" || key == "phases_s") add_all(name, value, key + "/");
    }
  }
  std::string take() { return std::move(text_); }

 private:
  std::string section_, text_;
};

std::string of_runs(const Json& runs) {
  Rows rows("runs");
  for (const Json& c : runs.at("configurations"))
    for (const Json& run : c.at("runs"))
      for (const auto& [key, value] : run.items())
        if (key != "round") rows.add(c.at("name"), key, value, run.at("round").dump());
  for (const Json& c : runs.at("configurations")) rows.add_all(c.at("name"), c);
  return rows.take();
}

std::string of_costs(const Json& costs) {
  Rows rows("costs");
  for (const Json& group : costs.at("groups")) {
    const std::string id = group.at("id").get<std::string>() + "/";
    for (const Json& row : group.value("rows", Json::array()))
      rows.add(id + row.at("id").get<std::string>(), "seconds", row.at("seconds").at("median"));
    for (const Json& curve : group.value("curves", Json::array()))
      for (const Json& point : curve.at("points"))
        rows.add(fmt::format("{}{}@{}", id, curve.at("id").get<std::string>(), point.at("x").dump()), "seconds",
                 point.at("seconds").at("median"));
  }
  return rows.take();
}

std::string of_faults(const Json& faults) {
  Rows rows("faults");
  for (const Json& row : faults.at("rows"))
    rows.add_all(row.at("fault").get<std::string>() + "/" + row.at("mode").get<std::string>(), row);
  return rows.take();
}

std::string of_balance(const Json& balance) {
  Rows rows("balance");
  for (const Json& way : balance.at("ways")) rows.add_all(way.at("id"), way);
  return rows.take();
}

}  // namespace

std::string to_csv(const Json& document) {
  std::string text = "section,name,metric,run,value,unit\r\n";
  if (document.contains("runs")) text += of_runs(document.at("runs"));
  if (document.contains("costs")) text += of_costs(document.at("costs"));
  if (document.contains("faults")) text += of_faults(document.at("faults"));
  if (document.contains("balance")) text += of_balance(document.at("balance"));
  return text;
}

}  // namespace tessera::pipeline
