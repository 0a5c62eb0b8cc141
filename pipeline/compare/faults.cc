#include "pipeline/compare/faults.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "pipeline/commands/commands.h"
#include "pipeline/compare/faults_text.h"
#include "pipeline/compare/image_ends.h"
#include "pipeline/compare/launch.h"
#include "pipeline/compare/run_outputs.h"
#include "pipeline/compare/trace_file.h"
#include "pipeline/printable.h"
#include "pipeline/size_text.h"

namespace tessera::pipeline {
namespace fs = std::filesystem;
namespace {

using Words = std::vector<std::string>;

constexpr int kMostRestarts = 5;
constexpr std::uint64_t kUsualMemory = 1 << 30;  // --memory of each run unless the set has one
// Limit of a process: twice --memory, which in serial and thread mode is reserved as private address space at the start
// (workers/executor.cc), and this, of which a balloon there can fill what the pictures leave.
constexpr std::uint64_t kBesideMemory = 1 << 30;
constexpr double kShortRun = 2;       // s: below, the time without a fault is the median of three
constexpr double kLeastTimeout = 2;   // s of processor time
constexpr double kLongPatience = 60;  // s beside three clean runs that what does not hang may take

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// The word after `flag` among the limits, as it was given.
std::optional<std::string> limit_given(const RunSet& set, const std::string& flag) {
  const auto found = std::ranges::find(set.limits, flag);
  if (found == set.limits.end() || found + 1 == set.limits.end()) return std::nullopt;
  return *(found + 1);
}

struct Clean {
  double wall_s = 0, slowest_job_s = 0;  // of processor time, the second
  Outputs outputs;
  std::map<std::string, ImageEnd> ends;
};

struct Ran {
  Observation seen;
  RunTrace trace;
  bool by_itself() const { return seen.exit_code == kAllDone || seen.exit_code == kSomeFailed; }
};

class Experiment {
 public:
  explicit Experiment(const FaultsRequest& request) : request_(request), folder_(request.set.work + "/faults") {
    if (!limit_given(set(), "--memory")) {
      memory_ = std::min(request.memory, kUsualMemory);
      memory_flags_ = {"--memory", memory_ == kUsualMemory ? "1G" : std::to_string(memory_)};
    } else {
      memory_ = request.memory;
    }
    data_limit_ = 2 * memory_ + kBesideMemory;
  }
  ~Experiment() { clear(); }
  Experiment(const Experiment&) = delete;
  Experiment& operator=(const Experiment&) = delete;

  Json measure();

 private:
  const RunSet& set() const { return request_.set; }
  Words mode_flags(const std::string& mode) const;
  Ran run(const Words& flags, const Injection&, double deadline_s);
  Clean clean(const std::string& mode);
  Clean clean_median(const std::string& mode);
  void choose_picture(const Clean&);
  Outputs outputs() const { return look_at_outputs(folder_ + "/out", true); }
  Json row(const std::string& mode, InjectedFault, const Clean&);
  std::size_t lost(const Clean&, const std::map<std::string, Hash128>& files) const;
  Words timeout_flags() const;
  void clear() noexcept {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  void say(const std::string& what) const {
    if (request_.progress) request_.progress(what);
  }

  const FaultsRequest& request_;
  std::string folder_;
  Words memory_flags_;
  std::uint64_t memory_ = 0, data_limit_ = 0;
  std::size_t picture_ = 0;  // its place in the run's list
  double timeout_s_ = 0;
};

Words Experiment::mode_flags(const std::string& mode) const {
  const std::string jobs = std::to_string(request_.jobs);
  Words flags{"--mode", mode};
  if (mode != "serial") flags = flags + Words{"-j", jobs};
  if (mode == "hybrid") flags = flags + Words{"--threads", std::to_string(request_.threads)};
  return flags + memory_flags_;
}

// With a trace, into the same folder as often as it is resumed.
Ran Experiment::run(const Words& flags, const Injection& injection, double deadline_s) {
  const std::string trace = folder_ + "/trace";
  fs::create_directories(folder_);
  fs::remove(trace);
  const Words words = set().run_words(folder_ + "/out", flags + Words{"--trace", trace});
  LaunchOptions options;
  options.deadline = std::chrono::milliseconds(std::llround(deadline_s * 1000));
  options.signals = request_.signals;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their shadow memory is data, too
  options.data_limit = data_limit_;
#endif
  const auto body = [&] {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    return request_.run(words, injection);
  };
  Ran ran{launch(body, options), {}};
  try {
    ran.trace = read_trace(trace);
  } catch (const std::runtime_error&) {  // nothing was begun
    throw std::runtime_error(fmt::format("a run of the comparison could not begin ({}): {}", how_it_ended(ran.seen),
                                         last_line(ran.seen.errors)));
  }
  return ran;
}

Clean Experiment::clean(const std::string& mode) {
  clear();
  const Ran ran = run(mode_flags(mode), {}, 0);
  if (!ran.by_itself())
    throw std::runtime_error(fmt::format("{} mode fails without a fault, too ({}): {}", mode, how_it_ended(ran.seen),
                                         last_line(ran.seen.errors)));
  Clean clean;
  clean.wall_s = ran.seen.wall_s;
  for (const TracedJob& job : ran.trace.jobs) clean.slowest_job_s = std::max(clean.slowest_job_s, job.cpu_s);
  clean.outputs = outputs();
  clean.ends = image_ends(folder_ + "/out");
  return clean;
}

// One short run says little about time: what is taken from it is compared with runs of the same length.
Clean Experiment::clean_median(const std::string& mode) {
  Clean first = clean(mode);
  if (first.wall_s >= kShortRun) return first;
  std::array<double, 3> walls{first.wall_s};
  for (std::size_t i = 1; i < walls.size(); ++i) {
    const Clean again = clean(mode);
    walls[i] = again.wall_s;
    first.slowest_job_s = std::max(first.slowest_job_s, again.slowest_job_s);
  }
  std::ranges::sort(walls);
  first.wall_s = walls[1];
  return first;
}

void Experiment::choose_picture(const Clean& clean) {
  std::vector<std::pair<std::uintmax_t, std::size_t>> pictures;  // by size of the file
  for (std::size_t i = 0; i < set().paths.size(); ++i) {
    const auto end = clean.ends.find(set().paths[i]);
    if (end != clean.ends.end() && end->second.status == "done")
      pictures.emplace_back(fs::file_size(set().paths[i]), i);
  }
  if (pictures.empty())
    throw UsageError("no picture of these can be done without a fault: there is nothing to compare");
  std::ranges::sort(pictures);
  picture_ = pictures[pictures.size() / 2].second;
}

std::size_t Experiment::lost(const Clean& clean, const std::map<std::string, Hash128>& files) const {
  const auto is_lost = [&](const auto& end) {
    return std::ranges::any_of(end.second.outputs, [&](const auto& name) { return !files.contains(name); });
  };
  return static_cast<std::size_t>(std::ranges::count_if(clean.ends, is_lost));
}

Words Experiment::timeout_flags() const {
  if (limit_given(set(), "--timeout")) return {};
  return {"--timeout", fmt::format("{:g}s", timeout_s_)};
}

/// Images whose job was answered as done, and of whose outputs one at least is not there.
std::size_t count_unnamed(const RunTrace& trace, const Clean& clean, const std::map<std::string, Hash128>& files) {
  std::set<std::uint64_t> unnamed;
  for (const TracedJob& job : trace.jobs) {
    const auto source = trace.sources.find(job.image);
    if (job.kind != "whole" || job.outcome != "done" || source == trace.sources.end()) continue;
    const auto end = clean.ends.find(source->second);
    if (end != clean.ends.end() &&
        std::ranges::any_of(end->second.outputs, [&](const auto& name) { return !files.contains(name); }))
      unnamed.insert(job.image);
  }
  return unnamed.size();
}

/// Times that an image was begun, over all sessions of a run, declined jobs aside.
void count_begun(const RunTrace& trace, std::map<std::uint64_t, std::size_t>& begun) {
  const auto count = [&](const TracedJob& job) {
    if (job.first_read && job.outcome != "declined") ++begun[job.image];
  };
  std::ranges::for_each(trace.jobs, count);
  std::ranges::for_each(trace.open, count);
}

Json Experiment::row(const std::string& mode, InjectedFault fault, const Clean& clean) {
  clear();
  const bool hangs = fault == InjectedFault::hang;
  const Words flags = mode_flags(mode) + (hangs ? timeout_flags() : Words());
  // Where a worker can be killed for it, the run ends the hang itself, after some times the timeout.
  const double deadline_s =
      3 * clean.wall_s + (hangs && !isolates(mode) ? request_.patience_s : kLongPatience + 10 * timeout_s_);
  const Injection injection{fault, picture_};
  std::map<std::uint64_t, std::size_t> begun;
  Ran ran = run(flags, injection, deadline_s);
  count_begun(ran.trace, begun);
  const Observation first = ran.seen;
  const auto files = outputs().files;
  const std::size_t unnamed = count_unnamed(ran.trace, clean, files);
  const std::string picture = set().paths[picture_];
  const std::string sentence = ran.by_itself() ? image_ends(folder_ + "/out")[picture].sentence : "";
  double total_s = first.wall_s;
  int restarts = 0;
  for (; !ran.by_itself() && restarts < kMostRestarts; ++restarts) {
    ran = run(flags + Words{"--resume"}, injection, deadline_s);
    count_begun(ran.trace, begun);
    total_s += ran.seen.wall_s;
  }
  const auto in_the_end = outputs().files;
  const auto as_clean = [&](const auto& file) {
    const auto found = clean.outputs.files.find(file.first);
    return found != clean.outputs.files.end() && found->second == file.second;
  };
  const std::size_t redone = std::accumulate(begun.begin(), begun.end(), std::size_t{0},
                                             [](std::size_t sum, const auto& times) { return sum + times.second - 1; });
  return {{"fault", to_string(fault)},
          {"mode", mode},
          {"command", shown_command(set(), flags)},
          {"survived", first.exit_code == kAllDone || first.exit_code == kSomeFailed},
          {"end", how_it_ended(first)},
          {"signal", first.signal != 0 ? Json(first.signal) : Json()},
          {"exit_code", first.exit_code >= 0 ? Json(first.exit_code) : Json()},
          {"said", sentence.empty() ? last_line(first.errors) : printable(sentence)},
          {"done", files.size()},
          {"lost", lost(clean, files)},
          {"unnamed", unnamed},
          {"lost_for_good", lost(clean, in_the_end)},
          {"redone", redone},
          {"restarts", restarts},
          {"clean_s", clean.wall_s},
          {"total_s", total_s},
          {"recover_s", total_s - clean.wall_s},
          {"identical", std::ranges::all_of(files, as_clean) && std::ranges::all_of(in_the_end, as_clean)}};
}

Json Experiment::measure() {
  std::vector<std::vector<Json>> by_fault(request_.faults.size());  // all modes of one beside each other
  std::optional<Clean> reference;
  for (const std::string& mode : request_.modes) {
    say(fmt::format("{} without a fault", mode));
    if (!reference) {
      reference = clean(mode);  // the first of all finds a cold cache: its time counts for nothing
      choose_picture(*reference);
    }
    const Clean without = clean_median(mode);
    const std::string other = first_difference(reference->outputs, request_.modes.front(), without.outputs, mode);
    if (!other.empty()) throw Mismatch(fmt::format("the modes do not make the same: {}", other));
    const auto given = limit_given(set(), "--timeout");
    timeout_s_ = given ? std::chrono::duration<double>(parse_duration(*given, "--timeout")).count()
                       : std::max(kLeastTimeout, std::ceil(3 * without.slowest_job_s));
    for (std::size_t i = 0; i < by_fault.size(); ++i) {
      say(fmt::format("{} in {} mode", to_string(request_.faults[i]), mode));
      by_fault[i].push_back(row(mode, request_.faults[i], without));
    }
  }
  Json rows = Json::array();
  for (const auto& of_one : by_fault)
    for (const Json& row : of_one) rows.push_back(row);
  const auto images = static_cast<std::size_t>(
      std::ranges::count_if(reference->ends, [](const auto& end) { return !end.second.outputs.empty(); }));
  const std::string picture = printable(set().paths[picture_]);
  return {{"images", images},
          {"picture", picture},
          {"rows", rows},
          {"explanation", explain_faults(rows, images)},
          {"method", say_method({picture, data_limit_, request_.patience_s})}};
}

}  // namespace

Json compare_faults(const FaultsRequest& request) { return Experiment(request).measure(); }

}  // namespace tessera::pipeline
