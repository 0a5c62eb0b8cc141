#include "pipeline/compare/faults_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <sstream>
#include <vector>

#include "pipeline/printable.h"
#include "pipeline/size_text.h"

namespace tessera::pipeline {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i)
    text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  return text;
}

std::string counted(std::int64_t n, const char* one, const char* many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

std::string longer(const Json& row) {
  const double s = row["recover_s"];
  return fmt::format("{:.1f} s {} than without it", std::abs(s), s < 0 ? "less" : "more");
}

std::string of_the_dead(const Json& row, std::size_t images) {
  return fmt::format("{} ({}; {} of {} without an output, {}, {}, {} in the end, {})", row["mode"].get<std::string>(),
                     row["end"].get<std::string>(), row["lost"].get<std::int64_t>(),
                     counted(static_cast<std::int64_t>(images), "image", "images"),
                     counted(row["restarts"], "restart", "restarts"),
                     fmt::format("{} begun again", row["redone"].get<std::int64_t>()),
                     fmt::format("{} lost", row["lost_for_good"].get<std::int64_t>()), longer(row));
}

std::string of_the_living(const Json& row) {
  return fmt::format("{} ({}, {} begun again, {})", row["mode"].get<std::string>(),
                     counted(row["lost"], "image lost", "images lost"), row["redone"].get<std::int64_t>(), longer(row));
}

std::string words_for(const std::string& fault) {
  if (fault == "stack-overflow") return "A stack overflow";
  return fault == "heap-corruption" ? "A corrupted heap" : "A " + fault;
}

std::string about(const std::string& fault, const Json& rows, std::size_t images) {
  std::vector<std::string> dead, living;
  for (const Json& row : rows) {
    if (row["fault"] != fault) continue;
    row["survived"].get<bool>() ? living.push_back(of_the_living(row)) : dead.push_back(of_the_dead(row, images));
  }
  std::string text;
  if (!dead.empty()) text += fmt::format(" {} ended the whole run in {}.", words_for(fault), joined(dead));
  if (!living.empty())
    text += dead.empty() ? fmt::format(" {} ended no run: {}.", words_for(fault), joined(living))
                         : fmt::format(" The run went on in {}.", joined(living));
  return text;
}

struct Tally {
  int rows = 0, died = 0;
  std::int64_t most_lost = 0;
};
Tally tally(const Json& rows, bool isolated) {
  Tally tally;
  for (const Json& row : rows) {
    if (isolates(row["mode"]) != isolated) continue;
    ++tally.rows;
    tally.died += row["survived"].get<bool>() ? 0 : 1;
    tally.most_lost = std::max(tally.most_lost, row["lost"].get<std::int64_t>());
  }
  return tally;
}

}  // namespace

bool isolates(const std::string& mode) { return mode == "processes" || mode == "hybrid"; }

std::string how_it_ended(const Observation& seen) {
  if (seen.killed_late) return fmt::format("hung: killed after {:.0f} s", seen.wall_s);
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
      "stands for a container's; runs that are to hang have --timeout {:g}s, and are killed from outside after three "
      "times the time of the run without a fault and {:.0f} s. Lost images are those that the run without a fault "
      "makes "
      "and that have no output when the run ends.",
      printable(method.picture), format_bytes(method.data_limit), method.timeout_s, method.deadline_s);
}

std::string explain_faults(const Json& rows, std::size_t images) {
  const Tally shared = tally(rows, false), isolated = tally(rows, true);
  std::string text;
  if (shared.rows > 0)
    text += fmt::format(
        "Serial and thread mode do everything in one process: {} of {} faults there ended the run, and with it "
        "whatever "
        "else was in hand (at most {} of {} images had no output then).",
        shared.died, shared.rows, shared.most_lost, images);
  if (isolated.rows > 0)
    text += fmt::format(
        "{}A worker process has memory of its own, and whoever handed it the picture survives it: {} of {} faults "
        "ended the run there, and at most {} lost its output.",
        text.empty() ? "" : " ", isolated.died, isolated.rows, counted(isolated.most_lost, "image", "images"));
  std::vector<std::string> faults;
  for (const Json& row : rows)
    if (std::ranges::find(faults, row["fault"].get<std::string>()) == faults.end()) faults.push_back(row["fault"]);
  for (const std::string& fault : faults) text += about(fault, rows, images);
  const auto balloon =
      std::ranges::find_if(rows, [](const Json& row) { return row["fault"] == "balloon" && row["mode"] == "threads"; });
  if (balloon == rows.end()) return text;
  const std::int64_t others = (*balloon)["redone"].get<std::int64_t>() - 1;  // it is tried twice itself
  if (!(*balloon)["survived"].get<bool>())
    text += " The balloon of one thread was the end of all of them: they share one limit of memory.";
  else
    text += fmt::format(
        " Threads share one limit of memory, too. Memory that is refused is an error and no death: the run went on, "
        "and "
        "{} because the balloon had left nothing.",
        others > 0 ? counted(others, "other image had to be begun again", "other images had to be begun again")
                   : "this time no other image had to be begun again");
  return text;
}

}  // namespace tessera::pipeline
