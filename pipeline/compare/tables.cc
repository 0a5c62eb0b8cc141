#include "pipeline/compare/tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/compare/fault_fate.h"
#include "pipeline/compare/figures.h"

namespace tessera::pipeline {
namespace {

using Row = std::vector<std::string>;
constexpr const char* kNone = "-";

/// What `key` holds, as `write` has it.
template <typename Write>
std::string cell(const Json& of, const char* key, Write write) {
  const auto found = of.find(key);
  return found == of.end() || found->is_null() ? kNone : write(*found);
}
/// ... of a summary: its median.
template <typename Write>
std::string median_cell(const Json& of, const char* key, Write write) {
  return cell(of, key, [&](const Json& summary) { return write(summary.at("median").get<double>()); });
}

std::string name(const Json& of) { return of.at("name"); }
std::string plain_rate(double per_second) { return rate_text(per_second, ""); }

void scale(std::vector<double>& bars) {
  const double longest = bars.empty() ? 0 : *std::max_element(bars.begin(), bars.end());
  for (double& bar : bars) bar = longest > 0 ? bar / longest : 0;
}

template <typename Make>
TextTable of_configurations(const Json& runs, Row head, Make make) {
  TextTable table{std::move(head), {}, {}};
  for (const Json& c : runs.at("configurations")) table.rows.push_back(make(c));
  return table;
}

}  // namespace

TextTable time_table(const Json& runs) {
  TextTable table = of_configurations(
      runs, {"configuration", "time [95 %]", "relative [95 %]", "images/s", "megapixels/s"}, [](const Json& c) {
        return Row{name(c), seconds_interval(c.at("wall_s")), ratio_interval(c.at("relative")),
                   median_cell(c, "images_per_s", plain_rate), median_cell(c, "megapixels_per_s", plain_rate)};
      });
  for (const Json& c : runs.at("configurations")) table.bars.push_back(c.at("wall_s").at("median"));
  scale(table.bars);
  return table;
}

TextTable memory_table(const Json& runs) {
  const auto bytes = [](const Json& value) { return bytes_text(value.get<double>()); };
  TextTable table = of_configurations(
      runs, {"configuration", "peak memory", "private", "shared", "windows", "processes"}, [&](const Json& c) {
        const Json& m = c.at("memory");
        return Row{name(c),
                   bytes(m.at("pss_bytes")),
                   bytes(m.at("private_bytes")),
                   bytes(m.at("shared_bytes")),
                   bytes(m.at("windows_bytes")),
                   count_text(m.at("processes").get<double>())};
      });
  for (const Json& c : runs.at("configurations")) table.bars.push_back(c.at("memory").at("pss_bytes").get<double>());
  scale(table.bars);
  return table;
}

TextTable work_table(const Json& runs) {
  return of_configurations(runs,
                           {"configuration", "user", "system", "speedup", "efficiency", "utilisation", "imbalance",
                            "tail", "first job", "first image"},
                           [](const Json& c) {
                             const auto part = [](const Json& value) { return percent_text(value.get<double>()); };
                             return Row{name(c),
                                        median_cell(c, "user_s", seconds_text),
                                        median_cell(c, "system_s", seconds_text),
                                        cell(c, "speedup", ratio_interval),
                                        cell(c, "efficiency", part),
                                        median_cell(c, "utilisation", percent_text),
                                        median_cell(c, "imbalance", percent_text),
                                        median_cell(c, "tail_s", seconds_text),
                                        median_cell(c, "start_s", seconds_text),
                                        median_cell(c, "first_image_s", seconds_text)};
                           });
}

TextTable kernel_table(const Json& runs) {
  return of_configurations(runs,
                           {"configuration", "minor faults", "major faults", "voluntary switches",
                            "involuntary switches", "messages", "bytes in messages"},
                           [](const Json& c) {
                             return Row{name(c),
                                        median_cell(c, "minor_faults", count_text),
                                        median_cell(c, "major_faults", count_text),
                                        median_cell(c, "voluntary_switches", count_text),
                                        median_cell(c, "involuntary_switches", count_text),
                                        median_cell(c, "messages", count_text),
                                        median_cell(c, "channel_bytes", bytes_text)};
                           });
}

TextTable phases_table(const Json& runs) {
  TextTable table{{"configuration"}, {}, {}};
  for (const Json& c : runs.at("configurations"))
    if (c.contains("phases_s"))
      for (const auto& [phase, summary] : c.at("phases_s").items())
        if (std::find(table.head.begin(), table.head.end(), phase) == table.head.end()) table.head.push_back(phase);
  for (const Json& c : runs.at("configurations")) {
    if (!c.contains("phases_s")) continue;
    Row row{name(c)};
    for (std::size_t i = 1; i < table.head.size(); ++i)
      row.push_back(median_cell(c.at("phases_s"), table.head[i].c_str(), seconds_text));
    table.rows.push_back(row);
  }
  return table;
}

TextTable scaling_table(const Json& runs) {
  TextTable table{{"mode", "slots", "speedup [95 %]", "of ideal", "Amdahl's serial part"}, {}, {}};
  for (const Json& curve : runs.at("scaling"))
    for (const Json& point : curve.at("points")) {
      const auto slots = point.at("slots").get<double>(), speedup = point.at("speedup").at("ratio").get<double>();
      table.rows.push_back(
          {curve.at("mode"), count_text(slots), ratio_interval(point.at("speedup")), percent_text(speedup / slots),
           cell(curve, "serial_fraction", [](const Json& s) { return percent_text(s.get<double>()); })});
      table.bars.push_back(speedup);
    }
  scale(table.bars);
  return table;
}

TextTable cost_table(const Json& group) {
  TextTable table{{"what", "time [95 %]", "for each", "least", "most"}, {}, {}};
  for (const Json& row : group.value("rows", Json::array())) {
    const Json& s = row.at("seconds");
    table.rows.push_back({name(row), seconds_interval(s), row.value("per", kNone),
                          seconds_text(s.at("min").get<double>()), seconds_text(s.at("max").get<double>())});
  }
  return table;
}

TextTable curve_table(const Json& group) {
  const std::string x = group.value("x", "");
  TextTable table{{x == "threads" ? "threads" : x == "private_bytes" ? "private memory" : "size"}, {}, {}};
  std::vector<double> places;
  const Json curves = group.value("curves", Json::array());
  for (const Json& curve : curves) {
    table.head.push_back(name(curve));
    for (const Json& point : curve.at("points")) places.push_back(point.at("x"));
  }
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  for (const double place : places) {
    Row row{x == "threads" ? count_text(place) : binary_size_text(place)};
    for (const Json& curve : curves) {
      row.push_back(kNone);
      for (const Json& point : curve.at("points"))
        if (point.at("x") == place) row.back() = seconds_text(point.at("seconds").at("median").get<double>());
    }
    table.rows.push_back(row);
  }
  return table;
}

TextTable faults_table(const Json& faults) {
  TextTable table{
      {"fault, mode", "the run", "done", "lost", "lost for good", "begun again", "restarts", "recovery", "same bytes"},
      {},
      {}};
  for (const Json& row : faults.at("rows")) {
    const auto count = [&](const char* key) { return count_text(row.at(key).get<double>()); };
    table.rows.push_back({row.at("fault").get<std::string>() + ", " + row.at("mode").get<std::string>(),
                          fate_text(row) + ": " + end_text(row), count("done"), count("lost"), count("lost_for_good"),
                          count("redone"), count("restarts"),
                          took_longer(row) ? seconds_text(row.at("recover_s").get<double>()) : "within noise",
                          row.at("identical").get<bool>() ? "yes" : "no"});
  }
  return table;
}

TextTable balance_table(const Json& balance) {
  TextTable table{{"way", "time [95 %]", "relative [95 %]", "utilisation", "imbalance", "tail"}, {}, {}};
  for (const Json& way : balance.at("ways")) {
    table.rows.push_back({name(way), seconds_interval(way.at("wall_s")), cell(way, "relative", ratio_interval),
                          median_cell(way, "utilisation", percent_text), median_cell(way, "imbalance", percent_text),
                          median_cell(way, "tail_s", seconds_text)});
    table.bars.push_back(way.at("wall_s").at("median"));
  }
  scale(table.bars);
  return table;
}

std::string machine_text(const Json& document) {
  const Json& m = document.at("machine");
  std::string text =
      fmt::format("{} of {}{}, {} of memory, Linux {}", counted(m.at("cpus").get<std::size_t>(), "CPU"),
                  m.at("cpu").get<std::string>(), m.value("virtualised", Json()) == true ? " (a virtual machine)" : "",
                  bytes_text(m.at("memory_bytes").get<double>()), m.at("kernel").get<std::string>());
  if (m.contains("os")) text += ", " + m.at("os").get<std::string>();
  text += fmt::format("; load before {:.2f}", m.at("load_before").get<double>());
  return text + ".";
}

std::string set_text(const Json& document) {
  if (!document.contains("set")) return "";
  const Json& set = document.at("set");
  std::string text = fmt::format("{}, {}", counted(set.at("images").get<std::size_t>(), "picture"),
                                 bytes_text(set.at("bytes").get<double>()));
  if (set.contains("megapixels")) text += fmt::format(", {} megapixels", digits(set.at("megapixels").get<double>()));
  return text;
}

std::string method_text(const Json& runs) {
  const Json& m = runs.at("method");
  std::string text = fmt::format("{} of every configuration after {}", counted(m.at("runs").get<std::size_t>(), "run"),
                                 counted(m.at("warmup").get<std::size_t>(), "warm-up"));
  if (m.contains("order")) text += fmt::format("; order {}", m.at("order").get<std::string>());
  text += fmt::format("; page cache {}", m.at("cache").get<std::string>());
  if (m.value("cache_resident", Json()).is_number())
    text += fmt::format(" ({} of the pictures in it)", percent_text(m.at("cache_resident").get<double>()));
  return fmt::format("{}. {}, at the level of {:g} %.", text, m.at("test").get<std::string>(),
                     m.at("alpha").get<double>() * 100);
}

}  // namespace tessera::pipeline
