// What each slot did when, and how busy it was: panels under each other on one time axis.
#pragma once

#include <string>
#include <vector>

#include "pipeline/compare/html_svg.h"

namespace tessera::pipeline::html {

/// One run: {"span_s", "slots"} of a document.
struct TimelinePanel {
  std::string name;
  At timeline;
};
Drawing draw_timelines(const std::vector<TimelinePanel>&, Fit);
/// Its jobs as tables, one for each panel; the first 400 of each.
std::string timeline_tables(const std::vector<TimelinePanel>&);

/// One run's workers: the part of each interval of its span in which they were busy.
struct BusyPanel {
  std::string name;
  At busy;  // [{"worker", "utilisation"}]
  At span;
};
Drawing draw_busy(const std::vector<BusyPanel>&, Fit);
std::string busy_tables(const std::vector<BusyPanel>&);

}  // namespace tessera::pipeline::html
