#include <fmt/format.h>

#include <map>

#include "pipeline/compare/html_parts.h"

namespace tessera::pipeline::html {
namespace {

struct Metric {
  std::string column;
  std::vector<std::string> path;
  Unit unit;
};

struct Sheet {
  std::string caption;
  std::vector<Metric> metrics;
};

const std::vector<Sheet> kSheets{{"Time",
                                  {{"Wall", {"wall_s", "median"}, Unit::kSeconds},
                                   {"Against the best", {"relative", "ratio"}, Unit::kTimes},
                                   {"Images/s", {"images_per_s", "median"}, Unit::kNumber},
                                   {"Megapixels/s", {"megapixels_per_s", "median"}, Unit::kNumber},
                                   {"Launch to first job", {"start_s", "median"}, Unit::kSeconds},
                                   {"Launch to first image", {"first_image_s", "median"}, Unit::kSeconds},
                                   {"Tail", {"tail_s", "median"}, Unit::kSeconds}}},
                                 {"Processors",
                                  {{"User", {"user_s", "median"}, Unit::kSeconds},
                                   {"System", {"system_s", "median"}, Unit::kSeconds},
                                   {"Both", {"cpu_s", "median"}, Unit::kSeconds},
                                   {"Speed-up", {"speedup", "ratio"}, Unit::kTimes},
                                   {"Efficiency", {"efficiency"}, Unit::kPart},
                                   {"Slots busy", {"utilisation", "median"}, Unit::kPart},
                                   {"Imbalance", {"imbalance", "median"}, Unit::kPart}}},
                                 {"Kernel and channels",
                                  {{"Minor faults", {"minor_faults", "median"}, Unit::kCount},
                                   {"Major faults", {"major_faults", "median"}, Unit::kCount},
                                   {"Voluntary switches", {"voluntary_switches", "median"}, Unit::kCount},
                                   {"Involuntary switches", {"involuntary_switches", "median"}, Unit::kCount},
                                   {"Messages", {"messages", "median"}, Unit::kCount},
                                   {"Bytes over channels", {"channel_bytes", "median"}, Unit::kBytes},
                                   {"Outputs", {"outputs"}, Unit::kCount},
                                   {"Failed", {"failed"}, Unit::kCount}}}};

At follow(At at, const std::vector<std::string>& path) {
  for (const std::string& word : path) at = at[word];
  return at;
}

std::string same_bytes(const At& configuration) {
  const At same = configuration["same_bytes"];
  return !same.there() ? "not compared" : same.yes() ? "yes" : "no";
}

// What the pair says of the configuration `a`, as words: never a colour alone.
std::string pair_cell(const At& pair, bool tested) {
  const std::string ratio = figure(pair["ratio"]["ratio"], Unit::kTimes);
  if (!tested) return "<span class=\"pair noise\">? " + ratio + "</span>";
  if (!pair["significant"].yes()) return "<span class=\"pair noise\">≈ " + ratio + "</span>";
  return fmt::format("<span class=\"pair\"><strong>{}</strong> {}</span>",
                     pair["ratio"]["ratio"].number() < 1 ? "faster" : "slower", ratio);
}

// The other way round, without a figure: the document has none for it.
std::string reverse_cell(const At& pair, bool tested) {
  if (!tested) return "<span class=\"noise\">?</span>";
  if (!pair["significant"].yes()) return "<span class=\"noise\">≈</span>";
  return pair["ratio"]["ratio"].number() < 1 ? "slower" : "faster";
}

}  // namespace

std::string metrics_tables(const At& runs) {
  std::string out = paragraph(
      "Medians over the timed runs; the embedded document has every run. \"Tail\" is the time from when "
      "the first slot had nothing left to do to the end; \"imbalance\" how much more than the mean the "
      "busiest slot worked.",
      "reading");
  for (const Sheet& sheet : kSheets) {
    std::vector<std::string> columns{"Configuration"};
    for (const Metric& metric : sheet.metrics) columns.push_back(metric.column);
    std::vector<Row> rows;
    for (const At& configuration : runs["configurations"].items()) {
      Row& row = rows.emplace_back(Row{name(configuration["name"].text())});
      for (const Metric& metric : sheet.metrics) row.push_back(figure(follow(configuration, metric.path), metric.unit));
    }
    out += table(sheet.caption, columns, rows);
  }
  std::vector<Row> commands;
  for (const At& configuration : runs["configurations"].items())
    commands.push_back({name(configuration["name"].text()),
                        "<code>" + words(configuration["command"].text()) + "</code>", same_bytes(configuration)});
  return out + table("Commands", {"Configuration", "Command", "Same bytes as the first"}, commands);
}

std::string pairs_tables(const At& pairs, const std::vector<std::string>& names, const std::string& id, bool tested) {
  if (pairs.items().empty()) return paragraph("There is no pair to compare.");
  std::map<std::pair<std::size_t, std::size_t>, std::string> cells;
  std::vector<Row> list;
  for (const At& pair : pairs.items()) {
    const auto a = static_cast<std::size_t>(pair["a"].number()), b = static_cast<std::size_t>(pair["b"].number());
    if (a >= names.size() || b >= names.size()) continue;
    cells[{a, b}] = pair_cell(pair, tested);
    cells[{b, a}] = reverse_cell(pair, tested);
    list.push_back({name(names[a]) + " / " + name(names[b]), figure(pair["ratio"]["ratio"], Unit::kTimes),
                    figure(pair["ratio"]["low"], Unit::kTimes), figure(pair["ratio"]["high"], Unit::kTimes),
                    figure(pair["p"], Unit::kNumber), figure(pair["p_adjusted"], Unit::kNumber),
                    !tested                     ? "too few runs to test"
                    : pair["significant"].yes() ? "more than noise"
                                                : "within noise"});
  }
  std::vector<std::string> columns{"Row against column"};
  std::vector<Row> rows;
  for (std::size_t i = 0; i < names.size(); ++i) {
    columns.push_back(fmt::format("<abbr title=\"{}\">{}</abbr>", escape(names[i]), i + 1));
    Row& row = rows.emplace_back(Row{fmt::format("{} {}", i + 1, name(names[i]))});
    for (std::size_t j = 0; j < names.size(); ++j) {
      const auto there = cells.find({i, j});
      row.push_back(there != cells.end() ? there->second : i == j ? "<span class=\"none\">same</span>" : "");
    }
  }
  const std::string meaning =
      tested ? "\"Faster\" and \"slower\" stand only where the rank test finds a difference after correction for the "
               "number of pairs; ≈ is within noise."
             : "?: too few runs to test any difference.";
  return paragraph("Time of the row's configuration divided by that of the column's. " + meaning, "reading") +
         table("Matrix of pairs", columns, rows) + "<details id=\"pairs-of-" + id +
         "\"><summary>Every pair with its probabilities</summary>\n" +
         table("Pairs", {"Pair", "Ratio of times", "From", "To", "p", "p, corrected", "Difference"}, list) +
         "</details>\n";
}

}  // namespace tessera::pipeline::html
