#include "pipeline/compare/html_timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "pipeline/compare/figures.h"

namespace tessera::pipeline::html {
namespace {

constexpr double kLanePx = 17, kTitlePx = 24;
constexpr std::size_t kJobsListed = 400;

struct Kind {
  std::string_view id;
  std::string_view words;
};
// Their places are the fills.
constexpr std::array<Kind, 6> kKinds{{{"whole", "whole: a picture in one job"},
                                      {"decode", "decode into a frame"},
                                      {"band", "band of a spread picture"},
                                      {"resolve", "resolve: between passes"},
                                      {"encode", "encode from bands"},
                                      {"", "ended badly"}}};
constexpr std::size_t kOther = 6;

std::size_t fill_of(const At& job) {
  const std::string outcome = job["outcome"].text();
  if (!outcome.empty() && outcome != "done" && outcome != "declined") return 5;
  const std::string kind = job["kind"].text();
  for (std::size_t i = 0; i + 1 < kKinds.size(); ++i)
    if (kKinds[i].id == kind) return i;
  return kOther;
}

std::string lane_name(const At& slot, bool slots_differ, Fit fit) {
  const bool wide = fit == Fit::kWide;
  std::string words = fmt::format("{}{}", wide ? "worker " : "w", slot["worker"].json());
  if (slots_differ) words += fmt::format("{}{}", wide ? ", slot " : " s", slot["slot"].json());
  return words;
}

bool has_slots(const At& timeline) {
  const auto slots = timeline["slots"].items();
  return std::any_of(slots.begin(), slots.end(), [](const At& slot) { return slot["slot"].number() > 0; });
}

double left_of(Fit fit) { return fit == Fit::kWide ? 118 : 48; }

// Jobs of a kind in one path, as there can be thousands; what follows closely is drawn as one.
std::string jobs(const At& slot, const Scale& scale, double y) {
  struct Run {
    double from, to;
  };
  std::map<std::size_t, std::vector<Run>> runs;
  std::size_t before = kFills;
  for (const At& job : slot["jobs"].items()) {
    const std::size_t fill = fill_of(job);
    const double from = scale.px(job["begin_s"].number()), to = std::max(scale.px(job["end_s"].number()), from + 0.4);
    auto& list = runs[fill];
    if (fill == before && !list.empty() && from - list.back().to < 0.5 && to - list.back().from < 1.5)
      list.back().to = to;
    else
      list.push_back({from, to});
    before = fill;
  }
  std::string body;
  for (const auto& [fill, list] : runs) {
    std::string path;
    for (const Run& run : list)
      path += fmt::format("M{:.1f} {:.1f}H{:.1f}V{:.1f}H{:.1f}z", run.from, y, run.to, y + kLanePx - 4, run.from);
    body += fmt::format("<path class=\"{} job\" d=\"{}\"/>\n", fill_class(fill), path);
  }
  return body;
}

struct Frame {
  Scale scale;
  double left, right;
};

Frame frame_of(double span, Fit fit) {
  const double left = left_of(fit), right = width_of(fit) - (fit == Fit::kWide ? 12 : 10);
  return {Scale::linear(0, span, left, right), left, right};
}

// The title of a panel and the moment at which it ends.
std::string panel_title(const std::string& words, const At& span, double y, Fit fit) {
  const double width = width_of(fit), room = (width - 150) / 1.15;  // the title is bold
  return text_at(2, y + 15, fitted(words, room), "panel") +
         text_at(width - 4, y + 15, "ends after " + svg_figure(span, Unit::kSeconds), "end figures");
}

Drawing axis(const Frame& frame, double width, Fit fit) {
  Drawing drawing{width, 42, ""};
  for (const double tick : frame.scale.ticks(fit == Fit::kWide ? 80 : 66)) {
    const double x = frame.scale.px(tick);
    const bool last = x > frame.right - 14;
    drawing.body += line(x, 0, x, 5, "base") + text_at(last ? width - 2 : x, 18,
                                                       escape(tick_text(tick, Unit::kSeconds, frame.scale.high())),
                                                       last ? "tick end" : "tick middle");
  }
  drawing.body += line(frame.left, 0, frame.right, 0, "base");
  drawing.body += text_at((frame.left + frame.right) / 2, 36, "time since the launch", "axis middle");
  return drawing;
}

Drawing timeline_panel(const TimelinePanel& panel, const Frame& frame, Fit fit) {
  const At& timeline = panel.timeline;
  const auto slots = timeline["slots"].items();
  Drawing drawing{width_of(fit), kTitlePx + kLanePx * static_cast<double>(slots.size()) + 2, ""};
  drawing.body = panel_title(panel.name, timeline["span_s"], 0, fit);
  double y = kTitlePx;
  const double end = frame.scale.px(timeline["span_s"].number());
  const bool slots_differ = has_slots(timeline);
  for (const At& slot : slots) {
    drawing.body += rect(frame.left, y, end - frame.left, kLanePx - 4, "lane");
    drawing.body += text_at(frame.left - 7, y + 11, lane_name(slot, slots_differ, fit), "tick end");
    drawing.body += jobs(slot, frame.scale, y);
    y += kLanePx;
  }
  drawing.body += line(end, kTitlePx - 4, end, y, "finish");
  return drawing;
}

Drawing busy_panel(const BusyPanel& panel, const Frame& frame, Fit fit) {
  constexpr double kHigh = 26;
  const auto workers = panel.busy.items();
  Drawing drawing{width_of(fit), kTitlePx + (kHigh + 6) * static_cast<double>(workers.size()), ""};
  drawing.body = panel_title(panel.name, panel.span, 0, fit);
  double y = kTitlePx;
  const double end = frame.scale.px(panel.span.number());
  for (const At& worker : workers) {
    const auto parts = worker["utilisation"].items();
    const double step = parts.empty() ? 0 : (end - frame.left) / static_cast<double>(parts.size());
    std::string path = fmt::format("M{:.1f} {:.1f}", frame.left, y + kHigh);
    double x = frame.left;
    for (const At& part : parts)
      path += fmt::format("V{:.1f}H{:.1f}", y + kHigh * (1 - std::clamp(part.number(), 0.0, 1.0)), x += step);
    drawing.body += rect(frame.left, y, end - frame.left, kHigh, "lane");
    drawing.body += fmt::format("<path class=\"f0 job\" d=\"{}V{:.1f}z\"/>\n", path, y + kHigh);
    drawing.body +=
        text_at(frame.left - 7, y + 17, (fit == Fit::kWide ? "worker " : "w") + worker["worker"].json(), "tick end");
    y += kHigh + 6;
  }
  return drawing;
}

}  // namespace

Drawing draw_timelines(const std::vector<TimelinePanel>& panels, Fit fit) {
  double span = 0;
  std::array<bool, kFills> there{};
  for (const TimelinePanel& panel : panels) {
    span = std::max(span, panel.timeline["span_s"].number());
    for (const At& slot : panel.timeline["slots"].items())
      for (const At& job : slot["jobs"].items()) there[fill_of(job)] = true;
  }
  const Frame frame = frame_of(span, fit);
  std::vector<Drawing> drawings;
  for (const TimelinePanel& panel : panels) drawings.push_back(timeline_panel(panel, frame, fit));
  drawings.push_back(axis(frame, width_of(fit), fit));
  std::vector<std::pair<std::size_t, std::string>> key;
  for (std::size_t i = 0; i < there.size(); ++i)
    if (there[i]) key.emplace_back(i, i < kKinds.size() ? kKinds[i].words : "of another kind");
  drawings.push_back(fill_key(key, width_of(fit)));
  return stacked(drawings, 8);
}

std::string timeline_tables(const std::vector<TimelinePanel>& panels) {
  std::string out;
  for (const TimelinePanel& panel : panels) {
    std::vector<Row> rows;
    std::size_t all = 0;
    for (const At& slot : panel.timeline["slots"].items())
      for (const At& job : slot["jobs"].items())
        if (++all <= kJobsListed)
          rows.push_back({lane_name(slot, has_slots(panel.timeline), Fit::kWide), name(job["source"].text()),
                          escape(job["kind"].text()), figure(job["begin_s"], Unit::kSeconds),
                          figure(job["end_s"], Unit::kSeconds), escape(job["outcome"].text())});
    out += table("Jobs of " + name(panel.name), {"Slot", "Picture", "Kind", "Begin", "End", "Outcome"}, rows);
    if (all > kJobsListed)
      out += paragraph(
          fmt::format("The first {} of {} jobs; all of them are in the embedded document.", kJobsListed, all));
  }
  return out;
}

Drawing draw_busy(const std::vector<BusyPanel>& panels, Fit fit) {
  double span = 0;
  for (const BusyPanel& panel : panels) span = std::max(span, panel.span.number());
  const Frame frame = frame_of(span, fit);
  std::vector<Drawing> drawings;
  for (const BusyPanel& panel : panels) drawings.push_back(busy_panel(panel, frame, fit));
  drawings.push_back(axis(frame, width_of(fit), fit));
  return stacked(drawings, 8);
}

std::string busy_tables(const std::vector<BusyPanel>& panels) {
  std::string out;
  for (const BusyPanel& panel : panels) {
    std::vector<std::string> columns{"Worker"};
    std::vector<Row> rows;
    for (const At& worker : panel.busy.items()) {
      const auto parts = worker["utilisation"].items();
      while (columns.size() <= parts.size()) columns.push_back(std::to_string(columns.size()));
      Row& row = rows.emplace_back(Row{"worker " + worker["worker"].json()});
      for (const At& part : parts) row.push_back(figure(part, Unit::kPart));
    }
    out += table("Busy part of each of the equal intervals of " + name(panel.name), columns, rows);
  }
  return out;
}

}  // namespace tessera::pipeline::html
