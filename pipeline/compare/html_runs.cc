// The charts of what the runs took.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "pipeline/compare/html_bars.h"
#include "pipeline/compare/html_curves.h"
#include "pipeline/compare/html_parts.h"
#include "pipeline/compare/html_timeline.h"

namespace tessera::pipeline::html {
namespace {

// A mode looks the same in every chart.
std::size_t fill_of_mode(const std::string& mode) {
  if (mode == "processes") return 0;
  if (mode == "threads") return 1;
  if (mode == "hybrid") return 3;
  return mode == "serial" ? 6 : 2;
}

using Configurations = std::vector<At>;

At extreme(const Configurations& all, const std::string& object, const std::string& key, bool least) {
  const auto value = [&](const At& c) { return c[object][key].number(); };
  const auto less = [&](const At& a, const At& b) { return value(a) < value(b); };
  return least ? *std::min_element(all.begin(), all.end(), less) : *std::max_element(all.begin(), all.end(), less);
}

// Peers may do other work: nobody is held against them.
Configurations ours_of(const Configurations& all) {
  Configurations ours;
  for (const At& c : all)
    if (c["kind"].text() != "peer") ours.push_back(c);
  return ours.empty() ? all : ours;
}

bool tested(const At& runs) { return runs["method"]["runs"].number() >= runs["method"]["runs_needed"].number(); }

std::string named(const At& configuration) { return name(configuration["name"].text()); }

std::string wall_chart(const Configurations& all) {
  Bars bars{Unit::kSeconds, "wall time of the set, median and 95 % interval", false, {}, 190};
  std::vector<Row> rows;
  for (const At& c : all) {
    bars.bars.push_back({c["name"].text(),
                         {{c["wall_s"]["median"].number(), fill_of_mode(c["mode"].text()), ""}},
                         {},
                         c["wall_s"]["low"].number(),
                         c["wall_s"]["high"].number(),
                         svg_figure(c["wall_s"]["median"], Unit::kSeconds) + " · " +
                             svg_figure(c["images_per_s"]["median"], Unit::kNumber) + " images/s"});
    rows.push_back({named(c), figure(c["wall_s"]["median"], Unit::kSeconds), figure(c["wall_s"]["low"], Unit::kSeconds),
                    figure(c["wall_s"]["high"], Unit::kSeconds), figure(c["wall_s"]["mean"], Unit::kSeconds),
                    figure(c["wall_s"]["sigma"], Unit::kSeconds), figure(c["wall_s"]["min"], Unit::kSeconds),
                    figure(c["wall_s"]["max"], Unit::kSeconds), figure(c["wall_s"]["n"], Unit::kCount),
                    figure(c["images_per_s"]["median"], Unit::kNumber)});
  }
  const Configurations ours = ours_of(all);
  const At fastest = extreme(ours, "wall_s", "median", true), slowest = extreme(ours, "wall_s", "median", false);
  std::string finding = fmt::format("{} has the shortest median{}, {}", named(fastest),
                                    ours.size() < all.size() ? " of Tessera's configurations" : "",
                                    figure(fastest["wall_s"]["median"], Unit::kSeconds));
  finding += ours.size() == 1 ? "."
                              : fmt::format("; {} the longest, {}.", named(slowest),
                                            figure(slowest["wall_s"]["median"], Unit::kSeconds));
  return figure_element(
      {"wall", finding,
       "One bar for each configuration; shorter is better. The bracket holds the median with 95 % "
       "confidence. Whether two differ by more than noise is said by the matrix of pairs below.",
       [bars](Fit fit) { return draw_bars(bars, fit); },
       table("Wall time",
             {"Configuration", "Median", "From", "To", "Mean", "Sigma", "Least", "Most", "Runs", "Images/s"}, rows)});
}

// Whether any bar of windows would be long enough to be seen.
bool windows_show(const Configurations& all) {
  constexpr double kVisible = 0.01;  // of the axis
  double windows = 0, longest = 0;
  for (const At& c : all) {
    windows = std::max(windows, c["memory"]["windows_bytes"].number());
    longest = std::max({longest, windows, c["memory"]["pss_bytes"].number()});
  }
  return windows > 0 && windows >= kVisible * longest;
}

std::string memory_chart(const Configurations& all) {
  const bool windows = windows_show(all);
  Bars bars{Unit::kBytes, "memory at its peak", false, {}, 100};
  std::vector<Row> rows;
  for (const At& c : all) {
    const At m = c["memory"];
    bars.bars.push_back({c["name"].text(),
                         {{m["private_bytes"].number(), 0, "p"}, {m["shared_bytes"].number(), 1, "s"}},
                         {windows ? m["windows_bytes"].number() : 0, 2, ""},
                         0,
                         0,
                         svg_figure(m["pss_bytes"], Unit::kBytes)});
    rows.push_back({named(c), figure(m["pss_bytes"], Unit::kBytes), figure(m["private_bytes"], Unit::kBytes),
                    figure(m["shared_bytes"], Unit::kBytes), figure(m["windows_bytes"], Unit::kBytes),
                    figure(m["processes"], Unit::kCount), figure(m["samples"], Unit::kCount)});
  }
  std::vector<std::pair<std::size_t, std::string>> key{{0, "p: private"}, {1, "s: shared"}};
  if (windows) key.emplace_back(2, "pages of windows");
  const Configurations ours = ours_of(all);
  const At least = extreme(ours, "memory", "pss_bytes", true), most = extreme(ours, "memory", "pss_bytes", false);
  std::string finding =
      fmt::format("{} needs the least memory, {}", named(least), figure(least["memory"]["pss_bytes"], Unit::kBytes));
  finding += ours.size() == 1
                 ? "."
                 : fmt::format("; {} the most, {}.", named(most), figure(most["memory"]["pss_bytes"], Unit::kBytes));
  return figure_element(
      {"memory", finding,
       fmt::format("Proportional set size of all processes of a run, added up, when it was highest: pages that one "
                   "process alone maps (p) and pages shared by several (s).{}",
                   windows ? " The thin bar: pages of the shared-memory windows then, mapped or not; those that are "
                             "mapped are among the pages above."
                           : ""),
       [bars, key](Fit fit) {
         return stacked({draw_bars(bars, fit), fill_key(key, width_of(fit))}, 4);
       },
       table("Memory at its peak",
             {"Configuration", "All", "Private", "Shared", "Pages of windows", "Processes", "Samples"}, rows)});
}

std::string phases_chart(const Configurations& all) {
  std::vector<std::string> phases;
  Configurations traced;
  for (const At& c : all) {
    if (!c.has("phases_s")) continue;
    traced.push_back(c);
    for (const std::string& phase : c["phases_s"].keys())
      if (std::find(phases.begin(), phases.end(), phase) == phases.end()) phases.push_back(phase);
  }
  if (traced.empty() || phases.empty()) return "";
  Bars bars{Unit::kSeconds, "wall time of all jobs, added up", false, {}, 40};
  std::vector<Row> rows;
  std::vector<std::pair<std::size_t, std::string>> key;
  for (std::size_t i = 0; i < phases.size(); ++i) key.emplace_back(i, fmt::format("{}: {}", i + 1, phases[i]));
  for (const At& c : traced) {
    Bar bar{c["name"].text(), {}, {}, 0, 0, ""};
    Row row{named(c)};
    for (std::size_t i = 0; i < phases.size(); ++i) {
      const At median = c["phases_s"][phases[i]]["median"];
      bar.parts.push_back({median.number(), i, std::to_string(i + 1)});
      row.push_back(figure(median, Unit::kSeconds));
    }
    bars.bars.push_back(bar);
    rows.push_back(row);
  }
  const At first = traced.front()["phases_s"];
  const auto longest = *std::max_element(phases.begin(), phases.end(), [&](const auto& a, const auto& b) {
    return first[a]["median"].number() < first[b]["median"].number();
  });
  std::vector<std::string> columns{"Configuration"};
  for (const std::string& phase : phases) columns.push_back(escape(phase));
  return figure_element({"phases",
                         fmt::format("In {}, most time of jobs goes into {}: {}.", named(traced.front()), name(longest),
                                     figure(first[longest]["median"], Unit::kSeconds)),
                         "The time of all jobs by what they did, added up over all slots. Where it grows from one "
                         "configuration to another, jobs stood in each other's way.",
                         [bars, key](Fit fit) {
                           return stacked({draw_bars(bars, fit), fill_key(key, width_of(fit))}, 4);
                         },
                         table("Time by phase, median", columns, rows)});
}

// Of each mode the configuration with the most slots that the processors can serve at once.
Configurations one_of_each_mode(const Configurations& all, double cpus) {
  std::vector<std::string> modes;
  std::map<std::string, At> best;
  for (const At& c : all) {
    const std::string mode = c["mode"].text();
    if (!c.has("timeline") || mode.empty()) continue;
    const auto rank = [cpus](const At& x) {
      const double slots = x["slots"].number();
      return slots <= cpus ? slots : -slots;
    };
    const auto found = best.find(mode);
    if (found == best.end()) modes.push_back(mode);
    if (found == best.end() || rank(c) > rank(found->second)) best.insert_or_assign(mode, c);
  }
  Configurations chosen;
  for (const std::string& mode : modes) chosen.push_back(best.at(mode));
  return chosen;
}

std::string timeline_chart(const Configurations& all, double cpus) {
  std::vector<TimelinePanel> panels;
  std::string finding;
  for (const At& c : one_of_each_mode(all, cpus)) {
    panels.push_back({c["name"].text(), c["timeline"]});
    finding += fmt::format("{}{} {}", finding.empty() ? "Slots were busy: " : "; ", named(c),
                           figure(c["utilisation"]["median"], Unit::kPart));
  }
  if (panels.empty()) return "";
  return figure_element(
      {"timelines", finding + ".",
       "Each row is a slot, each block a job. Of each mode the configuration with the most slots that "
       "have a processor each, its run with the median wall time; all on one time axis. Gaps are idle slots.",
       [panels](Fit fit) { return draw_timelines(panels, fit); }, timeline_tables(panels)});
}

// Amdahl's law over the processors there are: 1 / (s + (1 - s) / n).
Curve amdahl(double serial, double most) {
  Curve curve{"Amdahl's law, fitted", 1, {}, true};
  for (double n = 1; n <= most; n += 0.25) curve.points.push_back({n, 1 / (serial + (1 - serial) / n)});
  return curve;
}

Curves scaling_curves(const At& scaling, std::size_t index, const std::set<double>& slots, double cpus) {
  const double most = *slots.rbegin();
  Curves curves{Unit::kCount, Unit::kNumber, "jobs at a time (slots)",     "",
                false,        false,         {slots.begin(), slots.end()}, {}};
  curves.y_axis = scaling["mode"].text() + ": speed-up over " + scaling["baseline"].text();
  Curve measured{scaling["mode"].text(), index, {}};
  for (const At& point : scaling["points"].items()) {
    const At speedup = point["speedup"];
    measured.points.push_back(
        {point["slots"].number(), speedup["ratio"].number(), speedup["low"].number(), speedup["high"].number()});
  }
  std::sort(measured.points.begin(), measured.points.end(), [](const auto& a, const auto& b) { return a.x < b.x; });
  // The baseline has one slot, and its speed-up over itself is 1.
  if (measured.points.empty() || measured.points.front().x > 1) measured.points.insert(measured.points.begin(), {1, 1});
  Curve ideal{"ideal", 0, {{1, 1}, {std::min(most, cpus), std::min(most, cpus)}}, true};
  if (most > cpus) ideal.points.push_back({most, cpus});
  curves.curves = {measured, ideal};
  const At serial = scaling["serial_fraction"];
  if (serial.there()) curves.curves.push_back(amdahl(serial.number(), std::min(most, cpus)));
  return curves;
}

std::string scaling_chart(const At& runs, double cpus) {
  const std::vector<At> modes = runs["scaling"].items();
  std::set<double> slots{1};
  for (const At& mode : modes)
    for (const At& point : mode["points"].items()) slots.insert(point["slots"].number());
  std::vector<Curves> panels;
  std::vector<Row> rows;
  std::string finding;
  for (const At& mode : modes) {
    const std::vector<At> points = mode["points"].items();
    if (points.empty() || slots.size() == 1) continue;
    panels.push_back(scaling_curves(mode, panels.size(), slots, cpus));
    const At best = *std::max_element(points.begin(), points.end(), [](const At& a, const At& b) {
      return a["speedup"]["ratio"].number() < b["speedup"]["ratio"].number();
    });
    finding +=
        fmt::format("{}{} {} with {} at a time", finding.empty() ? "Best speed-up: " : "; ", name(mode["mode"].text()),
                    figure(best["speedup"]["ratio"], Unit::kTimes), figure(best["slots"], Unit::kCount));
    for (const At& point : points)
      rows.push_back({name(mode["mode"].text()), figure(point["slots"], Unit::kCount),
                      figure(point["speedup"]["ratio"], Unit::kTimes), figure(point["speedup"]["low"], Unit::kTimes),
                      figure(point["speedup"]["high"], Unit::kTimes), figure(mode["serial_fraction"], Unit::kPart)});
  }
  if (panels.empty()) return "";
  return figure_element(
      {"speedup", finding + ".",
       "With 95 % intervals. Thin lines: the ideal, which is flat beyond the processors there are, and Amdahl's law "
       "(dashed), fitted over the points up to them; its serial part is in the table.",
       [panels](Fit fit) {
         const bool three = fit == Fit::kWide && panels.size() > 2;
         std::vector<Drawing> drawings;
         for (const Curves& panel : panels) drawings.push_back(draw_curves(panel, Fit::kNarrow, three ? 260 : 342));
         return beside(drawings, width_of(fit));
       },
       table("Speed-up", {"Mode", "Slots", "Speed-up", "From", "To", "Serial part by Amdahl's law"}, rows)});
}

}  // namespace

std::string runs_part(const At& document) {
  const At runs = document["runs"];
  const Configurations all = runs["configurations"].items();
  if (all.empty()) return "";
  const double cpus = std::max(1.0, document["machine"]["cpus"].number());
  std::string out = "<section aria-labelledby=\"runs\">\n" + heading(2, "runs", "What each configuration took");
  out += wall_chart(all);
  std::vector<std::string> names;
  for (const At& c : all) names.push_back(c["name"].text());
  out += heading(3, "pairs", "Which differences are more than noise") +
         pairs_tables(runs["pairs"], names, "runs", tested(runs));
  const std::string scaling = scaling_chart(runs, cpus);
  if (!scaling.empty()) out += heading(3, "scaling", "How it grows with the number of workers") + scaling;
  out += heading(3, "memory-use", "Memory") + memory_chart(all);
  const std::string timelines = timeline_chart(all, cpus);
  if (!timelines.empty()) out += heading(3, "when", "What each slot did when") + timelines;
  const std::string phases = phases_chart(all);
  if (!phases.empty()) out += heading(3, "by-phase", "Where the time of jobs goes") + phases;
  return out + heading(3, "metrics", "All that was measured") + metrics_tables(runs) + "</section>\n";
}

}  // namespace tessera::pipeline::html
