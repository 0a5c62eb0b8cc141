// The section "costs": whole, as the schema wants it, and its words made from its figures.
#include "pipeline/compare/costs.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>

#include "pipeline/compare/cost_words.h"
#include "pipeline/compare/figures.h"

namespace tessera::pipeline {
namespace {

using workers::costs::Effort;

constexpr std::uint64_t kMiB = 1 << 20;

CostPlan tiny_plan() {
  constexpr Effort kShort{0.01, 5, 10};
  CostPlan plan;
  plan.quick = true;
  plan.create = plan.wakeup = plan.sharing = plan.pages = kShort;
  plan.shared_bytes = kMiB;
  plan.parents = {{0, kShort}, {16 * kMiB, kShort}};
  plan.frames = {{4096, kShort}, {480'000, kShort}};
  plan.folder = "/tmp";
  plan.round_trips = 10;
  plan.threads = 2;
  plan.increments = 5000;
  plan.page_bytes = kMiB;
  plan.left_out = {"Something: it is too large.", "Something: it is too large."};
  return plan;
}

struct Found {
  Json section, notes = Json::array();
  std::vector<std::string> steps;
};
Found measure(const CostPlan& plan) {
  Found found;
  Random random(7);
  found.section = measure_costs(
      plan, random, [&](const std::string& step) { found.steps.push_back(step); }, found.notes);
  return found;
}

const Json& group(const Json& section, const std::string& id) {
  for (const Json& one : section["groups"])
    if (one["id"] == id) return one;
  FAIL("no group " << id);
  return section;
}

/// What the schema requires of an object is there, and nothing that it does not know.
void check_fields(const Json& object, const Json& rules) {
  for (const Json& key : rules["required"]) {
    INFO(key);
    CHECK(object.contains(key.get<std::string>()));
  }
  for (const auto& [key, value] : object.items()) {
    INFO(key);
    CHECK(rules["properties"].contains(key));
  }
}

void check_summary(const Json& seconds) {
  INFO(seconds);
  CHECK(seconds["n"] >= 5);
  for (const char* key : {"median", "mean", "sigma", "min", "max", "low", "high"})
    CHECK((seconds[key].is_number() && std::isfinite(seconds[key].get<double>())));
  CHECK(seconds["min"] > 0);
  CHECK((seconds["min"] <= seconds["low"] && seconds["low"] <= seconds["median"]));
  CHECK((seconds["median"] <= seconds["high"] && seconds["high"] <= seconds["max"]));
}

TEST_CASE("costs are a section as the schema wants it, each group with figures, explanation and method", "[costs]") {
  const Found found = measure(tiny_plan());
  std::ifstream file(TESSERA_SOURCE "/pipeline/compare/compare.schema.json");
  const Json definitions = Json::parse(file)["definitions"];
  const Json& rules = definitions["costs"];
  const Json& group_rules = rules["properties"]["groups"]["items"];
  check_fields(found.section, rules);
  CHECK(found.section["quick"] == true);
  CHECK(found.section["seconds"] > 0);
  std::vector<Json> ids;
  for (const Json& one : found.section["groups"]) {
    INFO(one["id"]);
    ids.push_back(one["id"]);
    check_fields(one, group_rules);
    CHECK(one["explanation"].get<std::string>().size() > 200);
    CHECK(one["method"].get<std::string>().size() > 100);
    const Json rows = one.value("rows", Json::array()), curves = one.value("curves", Json::array());
    CHECK(rows.size() + curves.size() >= 3);
    for (const Json& row : rows) {
      check_fields(row, group_rules["properties"]["rows"]["items"]);
      check_summary(row["seconds"]);
    }
    CHECK(one.contains("x") == !curves.empty());
    for (const Json& curve : curves) {
      INFO(curve["id"]);
      check_fields(curve, group_rules["properties"]["curves"]["items"]);
      REQUIRE(curve["points"].size() == 2);
      CHECK(curve["points"][0]["x"] < curve["points"][1]["x"]);
      CHECK(curve["points"][0]["x"] == curves[0]["points"][0]["x"]);
      for (const Json& point : curve["points"]) check_summary(point["seconds"]);
    }
  }
  CHECK(Json(ids) == group_rules["properties"]["id"]["enum"]);
  CHECK(std::ranges::count(found.notes, Json("Costs: Something: it is too large.")) == 1);
  CHECK(found.steps.size() == 1 + 2 + 2 + 1 + 2 + 1);
}

TEST_CASE("explanations of costs quote the figures of the section", "[costs]") {
  const Json section = measure(tiny_plan()).section;
  const auto says = [](const Json& of, const Json& seconds) {
    const std::string text = seconds_text(seconds["median"].get<double>());
    INFO(text << " in: " << of["explanation"]);
    CHECK(of["explanation"].get<std::string>().find(text) != std::string::npos);
  };
  for (const Json& row : group(section, "create")["rows"]) says(group(section, "create"), row["seconds"]);
  for (const Json& curve : group(section, "handover")["curves"])
    says(group(section, "handover"), curve["points"][1]["seconds"]);
  for (const Json& curve : group(section, "sharing")["curves"])
    says(group(section, "sharing"), curve["points"][1]["seconds"]);
  for (const Json& row : group(section, "copy-on-write")["rows"])
    if (row["id"] == "own" || row["id"] == "copy" || row["id"] == "taken-back")
      says(group(section, "copy-on-write"), row["seconds"]);
}

Json curve_of(const std::string& id, const std::vector<std::pair<double, double>>& points) {
  Json curve{{"id", id}, {"name", "the " + id}, {"points", Json::array()}};
  for (const auto& [x, seconds] : points)
    curve["points"].push_back(
        {{"x", x}, {"seconds", {{"median", seconds}, {"low", seconds * 0.9}, {"high", seconds * 1.1}}}});
  return curve;
}

TEST_CASE("the explanation of handing over says from which size on the handle is the quickest", "[costs]") {
  const auto text = [](const Json& pipe) {
    return cost_explanation({{"id", "handover"},
                             {"curves",
                              {curve_of("handle", {{4096, 20e-6}, {96e3, 20e-6}, {24e6, 100e-6}}), pipe,
                               curve_of("thread", {{4096, 1e-6}, {96e3, 1e-6}, {24e6, 50e-6}})}}});
  };
  const auto has = [](const std::string& whole, const std::string& part) {
    INFO(whole);
    CHECK(whole.find(part) != std::string::npos);
  };
  const std::string crossing = text(curve_of("pipe", {{4096, 10e-6}, {96e3, 19e-6}, {24e6, 20e-3}}));
  has(crossing,
      "A frame of 24 MB is in the hands of another process after 100 us by handle and after 20.0 ms through a pipe, "
      "200 times that.");
  has(crossing,
      "From 96 KB on no way between processes is quicker than the handle; for 4 KiB the pipe takes 10.0 us and the "
      "handle 20.0 us.");
  has(crossing, "the pipe adds 20 % for each frame that changes hands, the handle 0.1 %");
  has(text(curve_of("pipe", {{4096, 21e-6}, {96e3, 50e-6}, {24e6, 20e-3}})),
      "No way between processes is quicker than the handle, whatever the size.");
  has(text(curve_of("pipe", {{4096, 1e-6}, {96e3, 1e-6}, {24e6, 1e-6}})),
      "The handle is not the quickest way everywhere: for 24 MB the pipe takes 1.00 us and the handle 100 us.");
}

TEST_CASE("a group of which nothing could be measured says so", "[costs]") {
  CHECK(cost_explanation({{"id", "wakeup"}, {"rows", Json::array()}}) ==
        "Nothing of this could be measured here; the notes say why.");
}

TEST_CASE("wake-ups are explained where there is one CPU, too", "[costs]") {
  const auto row = [](const char* id, double seconds) {
    return Json{{"id", id}, {"seconds", {{"median", seconds}, {"low", seconds}, {"high", seconds}}}};
  };
  const std::string text =
      cost_explanation({{"id", "wakeup"}, {"rows", {row("pipe-one-cpu", 2e-6), row("seqpacket-one-cpu", 4e-6)}}});
  INFO(text);
  CHECK(text.starts_with("On one CPU it takes 2.00 us (pipe) to 4.00 us (seqpacket)."));
  CHECK(text.find("A job of 8.00 us is half messages; from 792 us of work on they are below 1 %") != std::string::npos);
  CHECK(text.find("another CPU") == std::string::npos);
}

TEST_CASE("what costs are measured with stays within a quarter of the free memory, and what does not fit is said",
          "[costs]") {
  for (const bool quick : {true, false}) {
    const CostPlan roomy = plan_costs(quick, std::uint64_t{64} << 30, 16), tight = plan_costs(quick, 600 * kMiB, 1);
    CHECK(roomy.left_out.empty());
    CHECK(roomy.frames.front().bytes == 4096);
    CHECK(roomy.frames.back().bytes == 96'000'000);
    CHECK(roomy.parents.back().bytes == (quick ? 256 : 1024) * kMiB);
    CHECK(roomy.threads == 4);
    CHECK(tight.threads == 2);
    for (const CostPlan::Size& frame : tight.frames) CHECK(7 * frame.bytes <= 150 * kMiB);
    for (const CostPlan::Size& parent : tight.parents) CHECK(parent.bytes <= 150 * kMiB);
    CHECK(tight.parents.back().bytes == 64 * kMiB);
    CHECK(tight.shared_bytes == 64 * kMiB);
    CHECK(7 * tight.page_bytes <= 150 * kMiB);
    CHECK(tight.left_out.size() ==
          roomy.frames.size() - tight.frames.size() + roomy.parents.size() - tight.parents.size());
    CHECK(std::ranges::count(tight.left_out,
                             "Fork from a parent of 256 MiB: it takes 268 MB of memory, more than a quarter of what is "
                             "free (629 MB).") == 1);
    for (const auto& frame : roomy.frames) CHECK((frame.bytes % 8 == 0 && frame.effort.fewest >= 5));
  }
}

TEST_CASE("whoever is told what comes next may end the measuring", "[costs]") {
  Random random(1);
  Json notes = Json::array();
  int told = 0;
  const auto stop = [&](const std::string&) {
    if (++told == 2) throw std::runtime_error("enough");
  };
  CHECK_THROWS_WITH(measure_costs(tiny_plan(), random, stop, notes), "enough");
  CHECK(told == 2);
}

}  // namespace
}  // namespace tessera::pipeline
