#include "pipeline/compare/balance.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>
#include <system_error>

#include "pipeline/compare/balance_set.h"
#include "pipeline/compare/balance_words.h"
#include "pipeline/compare/launch.h"
#include "pipeline/compare/pairs.h"
#include "pipeline/compare/run_outputs.h"
#include "pipeline/compare/trace_file.h"
#include "pipeline/environment_error.h"
#include "pipeline/printable.h"
#include "pipeline/recipe.h"
#include "pipeline/usage_error.h"

namespace tessera::pipeline {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr std::size_t kIntervals = 40;
constexpr int kSomeFailed = 1;  // run's exit code when pictures failed: the same ones every way, as outputs tell

struct WayRun {
  Observation seen;
  RunTrace trace;
  SlotUse use;
};

struct Way {
  std::string id, name;
  Words flags;            // of each of its programs
  std::size_t parts = 1;  // programs at the same time, each with its part of the list
  std::vector<WayRun> runs;
};

std::vector<Way> all_ways(int workers) {
  const std::string jobs = fmt::format("-j{}", workers);
  const Words mode{"--mode", "processes"};
  const auto with = [&](const Words& more) {
    Words words = mode;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  return {{"static", "static split", with({"-j1", "--tiling", "whole"}), static_cast<std::size_t>(workers), {}},
          {"dynamic", "dynamic dispatch", with({jobs, "--tiling", "whole"}), 1, {}},
          {"dynamic-tiles", "dynamic dispatch, tiles allowed", with({jobs}), 1, {}}};
}

/// Programs side by side; the highest exit code, or 128 and the signal's number.
int run_all(const std::vector<Words>& programs) {
  std::vector<pid_t> children;
  int worst = 0;
  for (Words words : programs) {
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t child = -1;
    const int error = ::posix_spawnp(&child, argv[0], nullptr, nullptr, argv.data(), environ);
    if (error != 0) throw std::system_error(error, std::generic_category(), words[0] + " cannot be started");
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    worst = std::max(worst, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
  return worst;
}

/// Contents alone: the parts of a split have folders of their own, and templates may number outputs.
std::vector<Hash128> contents_of(const Outputs& outputs) {
  std::vector<Hash128> contents;
  for (const auto& [name, hash] : outputs.files) contents.push_back(hash);
  std::ranges::sort(contents);
  return contents;
}

std::vector<double> each(const std::vector<WayRun>& runs, const auto& value) {
  std::vector<double> values;
  for (const WayRun& run : runs) values.push_back(value(run));
  return values;
}
std::vector<double> walls(const Way& way) {
  return each(way.runs, [](const WayRun& run) { return run.seen.wall_s; });
}

const WayRun& median_run(const Way& way) {
  std::vector<const WayRun*> order;
  for (const WayRun& run : way.runs) order.push_back(&run);
  std::ranges::sort(order, {}, [](const WayRun* run) { return run->seen.wall_s; });
  return *order[(order.size() - 1) / 2];
}

/// For each worker of a timeline, the part of each of equal intervals of the span in which it was busy.
Json busy_of(const Json& timeline) {
  const double step = timeline.at("span_s").get<double>() / kIntervals;
  Json workers = Json::array();
  for (const Json& slot : timeline.at("slots")) {
    std::vector<double> busy(kIntervals, 0);
    for (const Json& job : slot.at("jobs"))
      for (std::size_t i = 0; i < kIntervals; ++i) {
        const double begin = std::max(job.at("begin_s").get<double>(), static_cast<double>(i) * step);
        const double end = std::min(job.at("end_s").get<double>(), static_cast<double>(i + 1) * step);
        if (end > begin) busy[i] += (end - begin) / step;
      }
    for (double& part : busy) part = std::min(part, 1.0);
    workers.push_back({{"worker", slot.at("worker")}, {"utilisation", busy}});
  }
  return workers;
}

class Balance {
 public:
  Balance(const BalanceRequest& request, Random& random)
      : request_(request), random_(random), folder_(request.set.work + "/balance"), ways_(all_ways(request.workers)) {}

  Json measure() {
    fs::create_directory(folder_);
    say("making the pictures");
    set_ = make_balance_set(request_, folder_);
    std::vector<std::size_t> order(ways_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (int round = 0; round <= request_.runs; ++round) {
      std::ranges::shuffle(order, random_);
      for (const std::size_t i : order) {
        say(fmt::format("round {} of {}, {}", round, request_.runs, ways_[i].name));
        WayRun run = run_once(ways_[i]);
        if (round > 0) ways_[i].runs.push_back(std::move(run));  // the first one warms up
      }
    }
    return section();
  }

 private:
  void say(const std::string& what) const {
    if (request_.progress) request_.progress("balance: " + what);
  }

  WayRun run_once(const Way& way) {
    const std::string out = fmt::format("{}/out-{}", folder_, ++runs_);
    fs::create_directory(out);
    std::vector<Words> programs;
    std::vector<std::string> traces;
    for (std::size_t part = 0; part < way.parts; ++part) {
      const std::size_t begin = set_.paths.size() * part / way.parts, end = set_.paths.size() * (part + 1) / way.parts;
      if (begin == end) continue;
      const std::string list = fmt::format("{}/list-{}-of-{}", folder_, part, way.parts);
      write_list(list, std::span(set_.paths).subspan(begin, end - begin));
      traces.push_back(fmt::format("{}/trace-{}", folder_, part));
      RunSet set = request_.set;
      set.inputs = {"-0", "--files-from", list};
      Words flags = way.flags;
      flags.insert(flags.end(), {"-q", "--trace", traces.back()});
      programs.push_back(set.run_words(fmt::format("{}/{}", out, part), flags));
    }
    LaunchOptions options;
    options.signals = request_.signals;
    WayRun run;
    run.seen =
        programs.size() == 1 ? launch(programs.front(), options) : launch([&] { return run_all(programs); }, options);
    if (run.seen.exit_code < 0 || run.seen.exit_code > kSomeFailed)
      throw EnvironmentError(fmt::format("balance: a run of the {} ended with {}: {}", way.name,
                                         run.seen.signal != 0 ? fmt::format("signal {}", run.seen.signal)
                                                              : fmt::format("exit code {}", run.seen.exit_code),
                                         printable(run.seen.errors)));
    std::vector<RunTrace> parts;
    for (const std::string& trace : traces) parts.push_back(read_trace(trace));
    run.trace = side_by_side(std::move(parts));
    run.use = slot_use(run.trace, static_cast<std::uint32_t>(request_.workers));
    check(way, contents_of(look_at_outputs(out, true)));
    fs::remove_all(out);
    return run;
  }

  void check(const Way& way, std::vector<Hash128> contents) {
    if (contents.empty()) throw EnvironmentError("balance: none of the pictures could be done");
    if (contents_.empty()) {
      contents_ = std::move(contents);
      first_ = way.name;
    } else if (contents != contents_) {
      throw Mismatch(
          fmt::format("balance: the pictures that the {} made are not those that the {} made ({} and {} "
                      "files): nothing can be compared",
                      way.name, first_, contents.size(), contents_.size()));
    }
  }

  std::string shown(const Way& way) const {
    RunSet set = request_.set;
    set.shown_inputs = {"--files-from", way.parts > 1 ? "PART" : "LIST"};
    const std::string command = shown_command(set, way.flags);
    return way.parts > 1 ? fmt::format("{} times at once, each with its part: {}", way.parts, command) : command;
  }

  Json way_section(const Way& way, const std::vector<double>& best) {
    const auto summary = [&](const auto& value) { return to_json(summarise(each(way.runs, value), random_)); };
    const WayRun& median = median_run(way);
    Json section{{"id", way.id},
                 {"name", way.name},
                 {"command", shown(way)},
                 {"wall_s", summary([](const WayRun& run) { return run.seen.wall_s; })},
                 {"relative", to_json(ratio_of_medians(walls(way), best, random_))},
                 {"utilisation", summary([](const WayRun& run) { return run.use.utilisation; })},
                 {"imbalance", summary([](const WayRun& run) { return run.use.imbalance; })},
                 {"tail_s", summary([](const WayRun& run) { return run.use.tail_s; })}};
    Json timeline = timeline_json(median.trace, median.seen.started);
    section["busy"] = busy_of(timeline);
    section["timeline"] = std::move(timeline);
    return section;
  }

  Json section() {
    std::vector<std::vector<double>> samples;
    for (const Way& way : ways_) samples.push_back(walls(way));
    const std::vector<double>& best = *std::ranges::min_element(samples, {}, median_of);
    Json set{{"images", set_.paths.size()}};
    if (!request_.as_is) set["huge"] = set_.huge;
    set["megapixels"] = ways_[0].runs[0].trace.megapixels;
    if (!request_.as_is) set["huge_megapixels"] = request_.huge_megapixels;
    set["made"] = !request_.as_is;
    Json section{{"set", std::move(set)}, {"workers", request_.workers}, {"ways", Json::array()}};
    const BalanceFacts known = facts();
    ways_.back().name = tiles_name(known);
    for (const Way& way : ways_) section["ways"].push_back(way_section(way, best));
    section["pairs"] = pairs_of(samples, request_.alpha, random_);
    section["explanation"] = balance_explanation(section, known);
    return section;
  }

  BalanceFacts facts() const {
    BalanceFacts facts{.images = set_.paths.size(),
                       .huge = set_.huge,
                       .huge_megapixels = request_.huge_megapixels,
                       .runs = static_cast<std::size_t>(request_.runs),
                       .alpha = request_.alpha};
    const auto bands_of = [](const WayRun& run) {
      return std::ranges::count(run.trace.jobs, "band", &TracedJob::kind);
    };
    const std::vector<WayRun>& runs = ways_.back().runs;
    std::set<std::uint64_t> banded;
    for (const TracedJob& job : std::ranges::max_element(runs, {}, bands_of)->trace.jobs) {
      if (job.kind == "band") ++facts.bands, banded.insert(job.image);
      facts.declined += job.kind == "whole" && job.outcome == "declined";
    }
    facts.banded_images = banded.size();
    return facts;
  }

  const BalanceRequest& request_;
  Random& random_;
  std::string folder_;
  std::vector<Way> ways_;
  BalanceSet set_;
  std::uint64_t runs_ = 0;
  std::vector<Hash128> contents_;  // of the first run, sorted
  std::string first_;              // whose it was
};

}  // namespace

Json compare_balance(const BalanceRequest& request, Random& random) {
  if (request.workers < 2) throw UsageError("balance needs at least two workers (-j 2): one is never out of balance");
  return Balance(request, random).measure();
}

}  // namespace tessera::pipeline
