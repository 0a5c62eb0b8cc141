#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "pipeline/compare/balance.h"
#include "pipeline/compare/html_bars.h"
#include "pipeline/compare/html_parts.h"
#include "pipeline/compare/html_timeline.h"
#include "pipeline/compare/statistics.h"

namespace tessera::pipeline::html {
namespace {

std::string ways_chart(const std::vector<At>& ways) {
  Bars bars{Unit::kSeconds, "wall time, median and 95 % interval", false, {}, 190};
  std::vector<Row> rows;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const At& way = ways[i];
    bars.bars.push_back({way["name"].text(),
                         {{way["wall_s"]["median"].number(), i, ""}},
                         {},
                         way["wall_s"]["low"].number(),
                         way["wall_s"]["high"].number(),
                         svg_figure(way["wall_s"]["median"], Unit::kSeconds) + " · busy " +
                             svg_figure(way["utilisation"]["median"], Unit::kPart)});
    rows.push_back({name(way["name"].text()), figure(way["wall_s"]["median"], Unit::kSeconds),
                    figure(way["wall_s"]["low"], Unit::kSeconds), figure(way["wall_s"]["high"], Unit::kSeconds),
                    figure(way["relative"]["ratio"], Unit::kTimes), figure(way["utilisation"]["median"], Unit::kPart),
                    figure(way["imbalance"]["median"], Unit::kPart), figure(way["tail_s"]["median"], Unit::kSeconds),
                    "<code>" + words(way["command"].text()) + "</code>"});
  }
  const At best = *std::min_element(ways.begin(), ways.end(), [](const At& a, const At& b) {
    return a["wall_s"]["median"].number() < b["wall_s"]["median"].number();
  });
  return figure_element(
      {"ways",
       fmt::format("{} ends first, after {}; its workers are busy {} of the time.", name(best["name"].text()),
                   figure(best["wall_s"]["median"], Unit::kSeconds),
                   figure(best["utilisation"]["median"], Unit::kPart)),
       "Shorter is better. \"Busy\" is the part of all workers' time in which they had a job.",
       [bars](Fit fit) { return draw_bars(bars, fit); },
       table("Ways of dealing out work",
             {"Way", "Wall", "From", "To", "Against the best", "Busy", "Imbalance", "Tail", "Command"}, rows)});
}

std::string timelines_chart(const std::vector<At>& ways) {
  std::vector<TimelinePanel> panels;
  std::string finding;
  for (const At& way : ways) {
    panels.push_back({way["name"].text(), way["timeline"]});
    finding += fmt::format("{}{} {}", finding.empty() ? "The first worker without work waits: " : "; ",
                           name(way["name"].text()), figure(way["tail_s"]["median"], Unit::kSeconds));
  }
  return figure_element({"ways-timelines", finding + ".",
                         "The run with the median wall time of each way, all on one time axis. Each row is a slot, "
                         "each block a job; what is empty "
                         "to the right of a row is a worker without work while another is overloaded.",
                         [panels](Fit fit) { return draw_timelines(panels, fit); }, timeline_tables(panels)});
}

std::string busy_chart(const std::vector<At>& ways) {
  std::vector<BusyPanel> panels;
  std::string finding;
  for (const At& way : ways) {
    if (way["busy"].items().empty()) continue;
    panels.push_back({way["name"].text(), way["busy"], way["timeline"]["span_s"]});
    finding += fmt::format("{}{} {}", finding.empty() ? "Workers are busy: " : "; ", name(way["name"].text()),
                           figure(way["utilisation"]["median"], Unit::kPart));
  }
  if (panels.empty()) return "";
  return figure_element(
      {"ways-busy", finding + ".",
       "The same runs: for each worker, how much of each interval it was busy; full height is all of it.",
       [panels](Fit fit) { return draw_busy(panels, fit); }, busy_tables(panels)});
}

std::string huge_ones(const At& set) {
  if (set["huge"].number() < 1) return "";
  const bool one = set["huge"].number() == 1;
  std::string out = fmt::format(", {} huge {}", figure(set["huge"], Unit::kCount), one ? "one" : "ones");
  if (set.has("huge_megapixels"))
    out += fmt::format(" of {} megapixels{}", figure(set["huge_megapixels"], Unit::kNumber), one ? "" : " each");
  return out + " among them";
}

// Whether there were runs enough for the test to find anything.
bool tested(const At& balance) {
  std::size_t runs = std::numeric_limits<std::size_t>::max();
  for (const At& way : balance["ways"].items())
    runs = std::min(runs, static_cast<std::size_t>(way["wall_s"]["n"].number()));
  return runs >= runs_needed(balance["pairs"].items().size(), BalanceRequest::kAlpha);
}

}  // namespace

std::string balance_part(const At& document) {
  const At balance = document["balance"];
  const std::vector<At> ways = balance["ways"].items();
  if (ways.empty()) return "";
  const At set = balance["set"];
  std::string out = "<section aria-labelledby=\"balance\">\n" +
                    heading(2, "balance", "Balance: many small pictures and a few huge ones");
  out += paragraph(escape(balance["explanation"].text()));
  out += paragraph(
      fmt::format("{} pictures of {} megapixels in all{}; {} workers.{}", figure(set["images"], Unit::kCount),
                  figure(set["megapixels"], Unit::kNumber), huge_ones(set), figure(balance["workers"], Unit::kCount),
                  set["made"].yes() ? " The set was made for this from the pictures given." : ""),
      "reading");
  out += ways_chart(ways) + timelines_chart(ways) + busy_chart(ways);
  std::vector<std::string> names;
  for (const At& way : ways) names.push_back(way["name"].text());
  return out + heading(3, "balance-pairs", "Which ways differ by more than noise") +
         pairs_tables(balance["pairs"], names, "balance", tested(balance)) + "</section>\n";
}

}  // namespace tessera::pipeline::html
