#include "pipeline/compare/runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "pipeline/compare/run_launcher.h"
#include "pipeline/compare/run_section.h"
#include "pipeline/compare/verdict.h"
#include "pipeline/cpu_count.h"
#include "pipeline/environment_error.h"
#include "pipeline/printable.h"
#include "pipeline/size_text.h"
#include "pipeline/usage_error.h"

namespace tessera::pipeline {
namespace {

class Experiment {
 public:
  explicit Experiment(const RunsRequest& request)
      : request_(request), launcher_(request.set, {request.cold, LaunchOptions{}.memory_interval, request.signals}) {
    for (const Configuration& configuration : request.configurations) {
      ConfigurationRuns& one = found_.emplace_back();
      one.configuration = configuration;
      one.command =
          configuration.is_peer() ? configuration.peer_command : shown_command(request.set, configuration.flags);
    }
    last_wall_s_.resize(found_.size());
  }

  void observe();
  void measure(const std::vector<std::vector<std::size_t>>& orders);
  Json section(Random&) const;
  void add_notes(Json& notes) const;
  double megapixels() const { return facts_.megapixels; }

 private:
  void observe(std::size_t index);
  void check_outputs(const ConfigurationRuns&, const FinishedRun&) const;
  void check_amount(const ConfigurationRuns&, const FinishedRun&) const;
  void check_peer(const ConfigurationRuns&, const FinishedRun&) const;
  void say_progress(const std::string& where, std::size_t index, int rounds_left) const;
  std::optional<double> cache_resident() const;

  const RunsRequest& request_;
  RunLauncher launcher_;
  std::vector<ConfigurationRuns> found_;
  const ConfigurationRuns* first_ = nullptr;  // of tessera's: the others' outputs and failures have to be its own
  RunsFacts facts_;
  std::vector<double> resident_;  // before timed runs
  std::vector<double> last_wall_s_;
};

// Peers come last: how many files they have to write is known only then.
void Experiment::observe() {
  const int rounds = std::max(request_.warmup, 1);
  facts_.images = request_.set.paths.size();
  for (int round = 1; round <= rounds; ++round)
    for (const bool peers : {false, true})
      for (std::size_t index = 0; index < found_.size(); ++index)
        if (found_[index].configuration.is_peer() == peers) {
          say_progress(fmt::format("warm-up {}/{}", round, rounds), index, -1);
          observe(index);
        }
}

void Experiment::observe(std::size_t index) {
  ConfigurationRuns& one = found_[index];
  launcher_.prepare();
  FinishedRun finished = launcher_.run(one.configuration, true);
  last_wall_s_[index] = finished.seen.wall_s;
  if (first_ == nullptr && !one.configuration.is_peer()) {
    first_ = &one;
    one.outputs = finished.outputs;
    facts_.failed = finished.failed;
    facts_.images -= std::min(finished.failed, facts_.images);
    facts_.megapixels = read_trace(finished.trace).megapixels;
  }
  if (one.configuration.is_peer())
    check_peer(one, finished);
  else
    check_outputs(one, finished);
  one.outputs = std::move(finished.outputs);
  const std::uint64_t samples = one.memory.samples + finished.seen.memory.samples;
  if (finished.seen.memory.pss_bytes >= one.memory.pss_bytes) one.memory = finished.seen.memory;
  one.memory.samples = samples;
}

// Of timed runs, which are not hashed.
void Experiment::check_amount(const ConfigurationRuns& one, const FinishedRun& finished) const {
  const std::string& first_name = first_->configuration.name;
  const std::string& name = one.configuration.name;
  if (finished.failed != facts_.failed)
    throw Mismatch(
        fmt::format("{} images failed in '{}' and {} in '{}': they did not do the same, so their times say "
                    "nothing",
                    facts_.failed, printable(first_name), finished.failed, printable(name)));
  const Outputs& expected = first_->outputs;
  const Outputs& found = finished.outputs;
  if (found.files.size() != expected.files.size() || found.bytes != expected.bytes)
    throw Mismatch(fmt::format("a run of '{}' left {} files of {} in all, and '{}' {} of {}: their times say nothing",
                               printable(name), found.files.size(), format_bytes(found.bytes), printable(first_name),
                               expected.files.size(), format_bytes(expected.bytes)));
}

void Experiment::check_outputs(const ConfigurationRuns& one, const FinishedRun& finished) const {
  const std::string& first_name = first_->configuration.name;
  const std::string& name = one.configuration.name;
  const std::string difference = first_difference(first_->outputs, first_name, finished.outputs, name);
  if (!difference.empty())
    throw Mismatch(fmt::format("'{}' and '{}' did not make the same outputs: {}; their times say nothing",
                               printable(first_name), printable(name), difference));
  check_amount(one, finished);
}

void Experiment::check_peer(const ConfigurationRuns& one, const FinishedRun& finished) const {
  if (finished.outputs.files.size() >= facts_.images) return;
  throw EnvironmentError(fmt::format(
      "'{}' wrote {} files for {} pictures, so its time says nothing. It has to write one for each into {{out}}. The "
      "last that it said:\n{}",
      printable(one.configuration.name), finished.outputs.files.size(), facts_.images,
      last_lines(finished.seen.errors)));
}

void Experiment::measure(const std::vector<std::vector<std::size_t>>& orders) {
  std::uint64_t bytes = 0;
  for (const ConfigurationRuns& one : found_) bytes += one.outputs.bytes;
  launcher_.folders().expect(bytes * orders.size());
  const int rounds = static_cast<int>(orders.size());
  for (int round = 1; round <= rounds; ++round) {
    int place = 0;
    for (const std::size_t index : orders[static_cast<std::size_t>(round - 1)]) {
      ConfigurationRuns& one = found_[index];
      say_progress(fmt::format("round {}/{}", round, rounds), index, rounds - round);
      launcher_.prepare();
      if (const std::optional<double> part = resident_part(request_.set.paths)) resident_.push_back(*part);
      FinishedRun finished = launcher_.run(one.configuration, false);
      TimedRun run{round, ++place, std::move(finished.seen), {}, finished.trace};
      last_wall_s_[index] = run.seen.wall_s;
      if (one.configuration.is_peer()) {
        check_peer(one, finished);
      } else {
        check_amount(one, finished);
        run.traced = traced_figures(read_trace(run.trace), run.seen.started, one.configuration.slots());
      }
      one.runs.push_back(std::move(run));
    }
  }
  if (request_.progress) request_.progress("");
}

// Without the configurations of this round that were already run; for a line that says "about", that will do.
void Experiment::say_progress(const std::string& where, std::size_t index, int rounds_left) const {
  if (!request_.progress) return;
  std::string line = fmt::format("{}, {}", where, printable(found_[index].configuration.name));
  if (rounds_left >= 0) {
    const double round_s = std::accumulate(last_wall_s_.begin(), last_wall_s_.end(), 0.0);
    const double left = round_s * (rounds_left + 0.5);
    line += left < 100 ? fmt::format(", about {:.0f} s left", left) : fmt::format(", about {:.0f} min left", left / 60);
  }
  request_.progress(line);
}

std::optional<double> Experiment::cache_resident() const {
  if (resident_.empty()) return std::nullopt;
  return std::accumulate(resident_.begin(), resident_.end(), 0.0) / static_cast<double>(resident_.size());
}

Json Experiment::section(Random& random) const {
  const std::optional<double> resident = cache_resident();
  Json section;
  section["method"] = {{"runs", request_.runs},
                       {"warmup", request_.warmup},
                       {"order", "in each round every configuration once, in an order drawn from the seed"},
                       {"cache", request_.cold ? "cold" : "warm"},
                       {"cache_resident", resident ? Json(*resident) : Json()},
                       {"alpha", request_.alpha},
                       {"test", "Mann-Whitney rank test, two-sided, Holm's correction over all pairs"},
                       {"outputs", launcher_.folders().policy()},
                       {"memory_interval_ms", LaunchOptions{}.memory_interval.count()}};
  Json& configurations = section["configurations"] = Json::array();
  for (const ConfigurationRuns& one : found_) configurations.push_back(configuration_section(one, facts_, random));
  return section;
}

void Experiment::add_notes(Json& notes) const {
  const auto add = [&](std::string sentence) { notes.push_back(std::move(sentence)); };
  add("Memory was sampled in runs of its own, before the timed ones: sampling costs a little time.");
  if (launcher_.dropped())
    add(*launcher_.dropped() == Dropped::everything
            ? "Before each run the kernel's whole page cache was dropped: pictures, program and libraries came from "
              "the "
              "disk."
            : "Before each run the pictures' pages were dropped from the page cache, as advice to the kernel; programs "
              "and libraries stayed there (dropping all of it takes root).");
  const std::optional<double> resident = cache_resident();
  if (!resident)
    add("How much of the pictures lay in the page cache is not known: the kernel tells only their owner.");
  else if (!request_.cold && *resident < 0.99)
    add(fmt::format(
        "Only {:.0f} % of the pictures' pages lay in the page cache before runs: memory does not hold all of "
        "them, and the disk is a part of these times.",
        100 * *resident));
  else if (request_.cold && *resident > 0.01)
    add(fmt::format(
        "{:.0f} % of the pictures' pages still lay in the page cache before runs: they could not be dropped.",
        100 * *resident));
  if (facts_.failed > 0)
    add(fmt::format("{} of {} images came to a bad end, in every configuration alike.", facts_.failed,
                    request_.set.paths.size()));
  constexpr double kMuch = 0.05;
  std::vector<double> loads;
  for (const ConfigurationRuns& one : found_)
    for (const TimedRun& run : one.runs) loads.push_back(run.seen.other_load);
  if (const double load = median_of(loads); load > kMuch)
    add(
        fmt::format("Others took {:.0f} % of all processor time meanwhile (median of the runs): on an idle machine "
                    "figures would be better and steadier.",
                    100 * load));
  for (const ConfigurationRuns& one : found_)
    if (one.configuration.is_peer())
      add(fmt::format("The outputs of '{}' were counted, not compared: another program writes other bytes.",
                      printable(one.configuration.name)));
}

}  // namespace

std::vector<std::vector<std::size_t>> draw_orders(std::size_t configurations, int rounds, Random& random) {
  std::vector<std::vector<std::size_t>> orders;
  std::vector<std::size_t> order(configurations);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (int round = 0; round < rounds; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    orders.push_back(order);
  }
  return orders;
}

Json compare_runs(const RunsRequest& request, Random& random, Json& notes, double* megapixels) {
  if (request.configurations.empty()) throw UsageError("nothing to compare: name --modes, --config or --peer");
  if (request.set.paths.empty()) throw UsageError("no picture to compare with");
  if (request.runs < 1) throw UsageError("--runs: at least 1");
  if (request.warmup < 0) throw UsageError("--warmup: 0 or more");
  check_names(request.configurations);
  const auto orders = draw_orders(request.configurations.size(), request.runs, random);
  Experiment experiment(request);
  experiment.observe();
  experiment.measure(orders);
  Json section = experiment.section(random);
  experiment.add_notes(notes);
  if (megapixels != nullptr) *megapixels = experiment.megapixels();
  judge(section, request.set, usable_cpus(), random);
  return section;
}

}  // namespace tessera::pipeline
