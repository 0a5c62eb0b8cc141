#include "pipeline/compare/costs.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "pipeline/compare/cost_methods.h"
#include "pipeline/compare/cost_words.h"
#include "pipeline/compare/figures.h"
#include "pipeline/cpu_count.h"

namespace tessera::pipeline {
namespace {

using workers::costs::Measured;
using workers::costs::Series;

struct GroupHead {
  const char *id, *title;
  const char *x, *per;  // of curves; null: it has rows only
};

/// What one figure of a row is for.
const char* per_of_row(std::string_view group, std::string_view row) {
  if (group == "wakeup") return "wake-up";
  if (group == "copy-on-write") return "page";
  return row == "thread" || row == "task" ? row.data() : "process";
}

class Section {
 public:
  Section(Random& random, Json& notes) : random_(random), notes_(notes) {}

  void begin(const GroupHead& head) {
    group_ = {{"id", head.id}, {"title", head.title}, {"explanation", ""}, {"method", ""}, {"rows", Json::array()}};
    if (head.x == nullptr) return;
    group_["x"] = head.x;
    group_["per"] = head.per;
    group_["curves"] = Json::array();
  }

  void add(const Measured& measured) {
    for (const Series& row : measured.rows)
      group_["rows"].push_back({{"id", row.id},
                                {"name", row.name},
                                {"seconds", to_json(summarise(row.seconds, random_))},
                                {"per", per_of_row(group_["id"].get<std::string>(), row.id)}});
    for (const Series& point : measured.points)
      curve(point)["points"].push_back({{"x", point.x}, {"seconds", to_json(summarise(point.seconds, random_))}});
    for (const std::string& sentence : measured.left_out) say(sentence);
  }

  /// Once, however often it is found.
  void say(const std::string& sentence) {
    const std::string note = "Costs: " + sentence;
    if (std::ranges::find(notes_, Json(note)) == notes_.end()) notes_.push_back(note);
  }

  void end(std::string method) {
    group_["method"] = std::move(method);
    group_["explanation"] = cost_explanation(group_);
    if (group_["rows"].empty()) group_.erase("rows");
    groups_.push_back(std::move(group_));
  }

  Json& groups() { return groups_; }

 private:
  Json& curve(const Series& point) {
    Json& curves = group_["curves"];
    for (Json& known : curves)
      if (known["id"] == point.id) return known;
    curves.push_back({{"id", point.id}, {"name", point.name}, {"points", Json::array()}});
    return curves.back();
  }

  Random& random_;
  Json& notes_;
  Json group_, groups_ = Json::array();
};

}  // namespace

Json measure_costs(bool quick, Random& random, const std::function<void(const std::string&)>& progress, Json& notes) {
  const std::uint64_t free_bytes = std::min(meminfo("MemAvailable").value_or(usable_memory()), usable_memory());
  return measure_costs(plan_costs(quick, free_bytes, usable_cpus()), random, progress, notes);
}

Json measure_costs(const CostPlan& plan, Random& random, const std::function<void(const std::string&)>& progress,
                   Json& notes) {
  const auto start = std::chrono::steady_clock::now();
  Section section(random, notes);
  for (const std::string& sentence : plan.left_out) section.say(sentence);

  section.begin({"create", "Creating threads and processes", "private_bytes", "start and end"});
  progress("creating threads and processes");
  section.add(workers::costs::create_costs(plan.shared_bytes, plan.create));
  for (const CostPlan::Size& parent : plan.parents) {
    progress(fmt::format("forking from a parent with {} more", binary_size_text(static_cast<double>(parent.bytes))));
    section.add(workers::costs::create_costs_of_parent(parent.bytes, parent.effort));
  }
  section.end(create_method());

  section.begin({"handover", "Handing over a frame", "bytes", "frame"});
  for (const CostPlan::Size& frame : plan.frames) {
    progress(fmt::format("handing over {}", binary_size_text(static_cast<double>(frame.bytes))));
    section.add(workers::costs::handover_costs(frame.bytes, plan.folder, frame.effort));
  }
  section.end(handover_method(plan));

  section.begin({"wakeup", "Waking somebody up", nullptr, nullptr});
  progress("waking up");
  section.add(workers::costs::wakeup_costs(plan.round_trips, plan.wakeup));
  section.end(wakeup_method(plan));

  section.begin({"sharing", "Threads that count together", "threads", "increment of one thread"});
  for (unsigned threads = 1; threads <= plan.threads; ++threads) {
    progress(fmt::format("counting with {}", counted(threads, "thread")));
    section.add(workers::costs::sharing_costs(threads, plan.increments, plan.sharing));
  }
  section.end(sharing_method(plan));

  section.begin({"copy-on-write", "Memory that is written for the first time", nullptr, nullptr});
  progress("writing to pages");
  section.add(workers::costs::page_costs(plan.page_bytes, plan.pages));
  section.end(pages_method(plan));

  return {{"quick", plan.quick},
          {"seconds", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()},
          {"groups", std::move(section.groups())}};
}

}  // namespace tessera::pipeline
