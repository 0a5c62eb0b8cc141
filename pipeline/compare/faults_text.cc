#include "pipeline/compare/faults_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <sstream>
#include <string_view>
#include <vector>

#include "pipeline/compare/fault_fate.h"
#include "pipeline/compare/figures.h"
#include "pipeline/printable.h"
#include "pipeline/size_text.h"

namespace tessera::pipeline {
namespace {

constexpr std::string_view kHung = "hung: ";

std::string words_for(const std::string& fault) {
  if (fault == "stack-overflow") return "stack overflow";
  return fault == "heap-corruption" ? "heap corruption" : fault;
}

bool hung(const Json& row) { return row.at("end").get<std::string>().starts_with(kHung); }

/// Each once, in the order in which they come.
std::vector<std::string> values_of(const std::vector<Json>& rows, const auto& value) {
  std::vector<std::string> values;
  for (const Json& row : rows) {
    const std::string text = value(row);
    if (std::ranges::find(values, text) == values.end()) values.push_back(text);
  }
  return values;
}
std::string faults_of(const std::vector<Json>& rows) {
  return list_text(values_of(rows, [](const Json& row) { return words_for(row.at("fault")); }));
}
std::string modes_of(const std::vector<Json>& rows) {
  return list_text(values_of(rows, [](const Json& row) { return row.at("mode").get<std::string>(); }));
}
std::string ends_of(const std::vector<Json>& rows) {
  return list_text(values_of(rows, [](const Json& row) { return row.at("end").get<std::string>(); }));
}

std::vector<Json> those(const Json& rows, const auto& is) {
  std::vector<Json> found;
  std::ranges::copy_if(rows, std::back_inserter(found), is);
  return found;
}

std::int64_t most(const std::vector<Json>& rows, const char* what) {
  std::int64_t most = 0;
  for (const Json& row : rows) most = std::max(most, row.at(what).get<std::int64_t>());
  return most;
}

/// "up to 1.20 s more than without the fault", or that there was no difference.
std::string cost_of(const std::vector<Json>& rows) {
  double most = 0;
  for (const Json& row : rows)
    if (took_longer(row)) most = std::max(most, row.at("recover_s").get<double>());
  if (most == 0) return "the time made no measurable difference";
  return fmt::format("it took up to {} more than without the fault", seconds_text(most));
}

std::string of_the_dead(const std::vector<Json>& rows, std::size_t images) {
  std::string text = fmt::format(
      " In {} mode, where one process does everything, {} ended the whole run ({}): up to {} of {} had no output when "
      "it died, and with up to {} {}.",
      modes_of(rows), faults_of(rows), ends_of(rows), most(rows, "lost"), counted(images, "image"),
      counted(static_cast<std::size_t>(most(rows, "restarts")), "restart"), cost_of(rows));
  if (const auto unnamed = static_cast<std::size_t>(most(rows, "unnamed")); unnamed > 0)
    text += fmt::format(
        " Finished pictures get their names in groups, every few milliseconds, so that a run that dies loses what was "
        "finished but not yet named, too (here up to {}).",
        counted(unnamed, "image"));
  return text;
}

std::string of_the_hung(const std::vector<Json>& rows) {
  return fmt::format(
      " A hang in {} mode ends by nothing: somebody has to notice, and how long that takes is up to them (here: {}, "
      "the "
      "deadline of this comparison).",
      modes_of(rows), ends_of(rows));
}

std::string of_the_isolated(const std::vector<Json>& rows) {
  const auto lost_runs =
      std::ranges::count(rows, false, [](const Json& row) { return row.at("survived").get<bool>(); });
  return fmt::format(
      " In {} mode a worker process has memory of its own, and whoever handed it the picture survives it: {} of {} "
      "runs "
      "with a fault were lost, at most {} without an output, and {}.",
      modes_of(rows), lost_runs, rows.size(), counted(static_cast<std::size_t>(most(rows, "lost")), "image"),
      cost_of(rows));
}

std::string of_the_balloon(const std::vector<Json>& rows) {
  const auto dead = those(rows, [](const Json& row) { return !row.at("survived").get<bool>(); });
  if (!dead.empty())
    return fmt::format(" A balloon in {} mode takes the one limit of memory that all share, and ended the run ({}).",
                       modes_of(dead), ends_of(dead));
  const std::int64_t others = most(rows, "redone") - 1;  // it is tried twice itself
  return fmt::format(
      " A balloon in {} mode takes the one limit of memory that all share, but memory that is refused is an error and "
      "no "
      "death: the run went on, and {}.",
      modes_of(rows),
      others > 0
          ? fmt::format("up to {} had to be begun again", counted(static_cast<std::size_t>(others), "other image"))
          : "no other image had to be begun again");
}

}  // namespace

bool isolates(const std::string& mode) { return mode == "processes" || mode == "hybrid"; }

std::string how_it_ended(const Observation& seen) {
  if (seen.killed_late) return fmt::format("{}killed after {:.0f} s", kHung, seen.wall_s);
  if (seen.signal == 0) return fmt::format("exit code {}", seen.exit_code);
  const char* const name = sigabbrev_np(seen.signal);
  return name ? fmt::format("killed by SIG{}", name) : fmt::format("killed by signal {}", seen.signal);
}

std::string last_line(const std::string& text) {
  std::istringstream lines(text);
  std::string last;
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) last = line;
  return printable(last);
}

std::string say_method(const FaultsMethod& method) {
  return fmt::format(
      "Each row is a run of its own over all pictures, in a fresh process, in which the fault is really committed in "
      "the "
      "middle of {}, the picture of median file size among those that can be done, at every attempt. A run that did "
      "not "
      "come to its own end (killed by a signal, hung, or stopped) is started again with --resume until it does, at "
      "most "
      "five times. Every run has the same limit of private memory for each of its processes, {} (RLIMIT_DATA), which "
      "stands for a container's. Runs that are to hang have the --timeout that their command shows; where nothing can "
      "be "
      "killed for it they are killed from outside, after three times the time of the run without a fault and {:.0f} s. "
      "The time without a fault is the median of three runs where one takes less than 2 s, else one run. Lost images "
      "are "
      "those that the run without a fault makes and that have no output when the run ends.",
      printable(method.picture), format_bytes(method.data_limit), method.deadline_s);
}

std::string explain_faults(const Json& rows, std::size_t images) {
  const auto shared = [](const Json& row) { return !isolates(row.at("mode")); };
  const auto balloon = [](const Json& row) { return row.at("fault") == "balloon"; };
  const auto is_hung = those(rows, [&](const Json& row) { return shared(row) && hung(row); });
  const auto dead = those(rows, [&](const Json& row) {
    return shared(row) && !hung(row) && !balloon(row) && !row.at("survived").get<bool>();
  });
  const auto balloons = those(rows, [&](const Json& row) { return shared(row) && balloon(row) && !hung(row); });
  const auto isolated = those(rows, [&](const Json& row) { return !shared(row); });
  std::string text;
  if (!dead.empty()) text += of_the_dead(dead, images);
  if (!is_hung.empty()) text += of_the_hung(is_hung);
  if (!isolated.empty()) text += of_the_isolated(isolated);
  if (!balloons.empty()) text += of_the_balloon(balloons);
  if (!dead.empty() && !isolated.empty())
    text +=
        " So a fault costs a run of one process everything that is in hand, and worker processes little more than "
        "the picture that has it.";
  return text.empty() ? text : text.substr(1);
}

}  // namespace tessera::pipeline
