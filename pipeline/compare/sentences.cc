#include "pipeline/compare/sentences.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "pipeline/compare/figures.h"
#include "pipeline/compare/pairs.h"
#include "pipeline/compare/verdict.h"

namespace tessera::pipeline {
namespace {

using Maybe = std::optional<std::size_t>;
using Sentences = std::vector<std::string>;

constexpr double kBusyMachine = 0.05;  // of all processor time, taken by others
constexpr double kLong = 1.5;          // from here on "times as long", not "% longer"

class Verdict {
 public:
  Verdict(const Json& runs, std::size_t images, int cpus)
      : runs_(runs),
        all_(runs.at("configurations")),
        pairs_(runs.at("pairs")),
        images_(images),
        cpus_(cpus),
        blind_(too_few_runs(runs)) {}

  Sentences sentences() {
    few_runs();
    failed_images();
    busy_machine();
    fastest();
    threads_against_processes();
    hybrid_against_processes();
    beyond_the_cpus();
    scaling();
    peers();
    return said_;
  }

 private:
  template <typename... Parts>
  void say(fmt::format_string<Parts...> form, Parts&&... parts) {
    said_.push_back(fmt::format(form, std::forward<Parts>(parts)...));
  }
  std::string name(std::size_t i) const { return all_[i].at("name"); }
  double wall(std::size_t i) const { return all_[i].at("wall_s").at("median"); }
  double memory(std::size_t i) const { return all_[i].at("memory").at("pss_bytes"); }
  Difference between(std::size_t one, std::size_t other) const { return difference(pairs_, one, other); }
  std::string noise() const { return blind_ ? "not tested: too few runs" : "within noise"; }

  /// "processes -j4 takes 2.6 % longer than threads -j2 (1.4 % to 3.9 %)" or "... and ...: 0.7 % apart, within noise"
  std::string against(std::size_t one, std::size_t other) const {
    const Difference d = between(one, other);
    if (!d.significant)
      return fmt::format("{} and {}: {} apart, {}", name(one), name(other), apart_text(d.ratio.ratio), noise());
    if (d.ratio.ratio < 1) return against(other, one);
    const std::string interval =
        d.ratio.ratio < kLong ? fmt::format("{} to {}", percent_text(d.ratio.low - 1), percent_text(d.ratio.high - 1))
                              : fmt::format("{} to {}", ratio_text(d.ratio.low), ratio_text(d.ratio.high));
    return fmt::format("{} takes {} {} {} ({})", name(one), longer_text(d.ratio.ratio),
                       d.ratio.ratio < kLong ? "than" : "as", name(other), interval);
  }

  /// Of a mode, under its standard name: the one with these slots.
  Maybe of_mode(std::string_view mode, int slots) const {
    Maybe found;
    for (std::size_t i = 0; i < all_.size(); ++i)
      if (all_[i].value("mode", Json()) == mode && all_[i].at("slots") == slots &&
          all_[i].at("name") == standard_name(all_[i]) && (!found || wall(i) < wall(*found)))
        found = i;
    return found;
  }
  /// The slots with which both modes were run: the most that are at most the CPUs, else the fewest. 0: none.
  int common_slots(std::string_view one, std::string_view other) const {
    std::vector<int> common;
    for (const Json& c : all_)
      if (c.at("slots").is_number() && of_mode(one, c.at("slots")) && of_mode(other, c.at("slots")))
        common.push_back(c.at("slots"));
    if (common.empty()) return 0;
    std::sort(common.begin(), common.end());
    const auto beyond = std::upper_bound(common.begin(), common.end(), cpus_);
    return beyond == common.begin() ? common.front() : *(beyond - 1);
  }
  std::string memory_against(std::size_t one, std::size_t other) const {
    const double more = memory(one) - memory(other);
    if (std::abs(more) < 0.01 * memory(other)) return "the same memory";
    return fmt::format("{} {} memory ({} against {})", bytes_text(std::abs(more)), more > 0 ? "more" : "less",
                       bytes_text(memory(one)), bytes_text(memory(other)));
  }

  void few_runs() {
    const std::size_t pairs = pairs_.size();
    if (blind_)
      say("{} cannot call any of {} significant; --runs {} can.",
          counted(runs_.at("method").at("runs").get<std::size_t>(), "run"), counted(pairs, "difference"),
          runs_.at("method").at("runs_needed").get<std::size_t>());
  }

  /// Failed in every configuration of Tessera's alike; a peer's failures are not known.
  std::size_t failed() const {
    std::size_t most = 0;
    for (const Json& c : all_) most = std::max(most, c.value("failed", std::size_t{0}));
    return std::min(most, images_);
  }
  void failed_images() {
    if (failed() > 0)
      say("{} of {} failed, in every configuration alike: the figures are those of doing the others.", failed(),
          counted(images_, "picture"));
  }

  void busy_machine() {
    std::vector<double> loads;
    for (const Json& c : all_)
      for (const Json& run : c.at("runs"))
        if (run.contains("other_load")) loads.push_back(run.at("other_load"));
    if (!loads.empty() && median_of(loads) > kBusyMachine)
      say("Others used {} of the processors' time while this was measured: on a quiet machine the figures would be "
          "better.",
          percent_text(median_of(loads)));
  }

  bool is_ours(std::size_t i) const { return all_[i].at("kind") == "tessera"; }
  bool has_peers() const {
    return std::any_of(all_.begin(), all_.end(), [](const Json& c) { return c.at("kind") == "peer"; });
  }
  std::size_t best_of_ours() const {
    Maybe best;
    for (std::size_t i = 0; i < all_.size(); ++i)
      if (is_ours(i) && (!best || wall(i) < wall(*best))) best = i;
    return best.value();
  }

  void fastest() {
    const std::size_t best = best_of_ours(), done = images_ - failed();
    const std::string took =
        fmt::format("{} took the least time{}: {} for {} ({})", name(best),
                    has_peers() ? " of Tessera's configurations" : "", seconds_text(wall(best)),
                    counted(done, "picture"), rate_text(static_cast<double>(done) / wall(best), "images/s"));
    Sentences as_fast, slower;
    Maybe next, last;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (i == best || !is_ours(i)) continue;
      if (!between(i, best).significant) {
        as_fast.push_back(fmt::format("{} ({} apart)", name(i), apart_text(between(i, best).ratio.ratio)));
        continue;
      }
      if (!next || wall(i) < wall(*next)) next = i;
      if (!last || wall(i) > wall(*last)) last = i;
    }
    say("{}.", took);
    if (!as_fast.empty() && blind_)
      say("Against it, {} {} not tested: too few runs.", list_text(as_fast), as_fast.size() == 1 ? "was" : "were");
    if (!as_fast.empty() && !blind_) say("{} cannot be told from it: within noise.", list_text(as_fast));
    if (next) say("The next that is slower beyond noise: {}.", against(*next, best));
    if (last && last != next) say("The slowest: {}.", against(*last, best));
  }

  void threads_against_processes() {
    const int slots = common_slots("threads", "processes");
    if (slots == 0) return;
    const std::size_t threads = *of_mode("threads", slots), processes = *of_mode("processes", slots);
    const Difference d = between(processes, threads);
    say("Threads against processes: {}.", against(threads, processes));
    const std::string time = d.slower()   ? fmt::format("{} of time", apart_text(d.ratio.ratio))
                             : d.faster() ? "no time (the processes are faster)"
                             : blind_     ? "time that was not tested (too few runs)"
                                          : "no time that could be told from noise";
    say("Isolation, that is processes instead of threads, costs {}, and takes {} at the peak.", time,
        memory_against(processes, threads));
  }

  void hybrid_against_processes() {
    const int slots = common_slots("hybrid", "processes");
    if (slots == 0) return;
    const std::size_t hybrid = *of_mode("hybrid", slots), processes = *of_mode("processes", slots);
    say("Threads inside processes: {}; hybrid takes {}.", against(hybrid, processes),
        memory_against(hybrid, processes));
  }

  void beyond_the_cpus() {
    for (const Json& curve : runs_.at("scaling")) {
      Maybe within, beyond;
      for (const Json& point : curve.at("points")) {
        const auto i = point.at("configuration").get<std::size_t>();
        Maybe& group = point.at("slots").get<int>() <= cpus_ ? within : beyond;
        if (!group || wall(i) < wall(*group)) group = i;
      }
      if (!within || !beyond) continue;
      const Difference d = between(*beyond, *within);
      say("More {} than the {} {}: {}{}.", curve.at("mode") == "processes" ? "workers" : "threads",
          counted(static_cast<std::size_t>(cpus_), "CPU"),
          d.faster()   ? "helped"
          : d.slower() ? "did harm"
          : blind_     ? "cannot be judged"
                       : "did not help",
          against(*beyond, *within), d.faster() ? "" : fmt::format(", with {}", memory_against(*beyond, *within)));
    }
  }

  void scaling() {
    for (const Json& curve : runs_.at("scaling")) {
      std::vector<const Json*> points;
      for (const Json& point : curve.at("points"))
        if (point.at("slots").get<int>() <= cpus_) points.push_back(&point);
      const auto more = [](const Json* point) { return point->at("slots") > 1; };
      if (std::any_of(points.begin(), points.end(), more))
        scaling_of(curve, points, std::ranges::count_if(points, more));
    }
  }

  /// One mode's, of points of which `fitted` have more than one slot.
  void scaling_of(const Json& curve, const std::vector<const Json*>& points, std::ptrdiff_t fitted) {
    const auto slots = [](const Json* point) { return point->at("slots").get<std::size_t>(); };
    const auto speedup = [](const Json* point) { return point->at("speedup").at("ratio").get<double>(); };
    const Json* top = nullptr;
    const Json* stop = points.front();  // the last that was faster beyond noise than what came before
    for (const Json* point : points) {
      if (slots(point) > 1 && (top == nullptr || speedup(point) > speedup(top))) top = point;
      if (between(point->at("configuration"), stop->at("configuration")).faster()) stop = point;
    }
    const std::string begin = fmt::format(
        "Scaling of {}: with {} {} times the speed of {} ({} would be ideal)", curve.at("mode").get<std::string>(),
        counted(slots(top), "slot"), ratio_text(speedup(top)), curve.at("baseline").get<std::string>(), slots(top));
    if (blind_) return say("{}; what it comes to with more cannot be told: too few runs.", begin);
    std::string more;
    if (slots(points.back()) > slots(stop))
      more = fmt::format(" From {} on nothing is gained that could be told from noise.", counted(slots(stop), "slot"));
    say("{}.{}{}", begin, more, law(curve.at("serial_fraction"), fitted));
  }
  static std::string law(const Json& part, std::ptrdiff_t fitted) {
    if (part.is_null())
      return " Amdahl's serial part cannot be told: not every point is faster than one slot for sure.";
    const double serial = part;
    if (serial <= 0) return " Amdahl's serial part is too small to be seen.";
    if (fitted == 1) return fmt::format(" Amdahl's serial part by this one point: about {}.", percent_text(serial));
    return fmt::format(
        " Amdahl's serial part is {}, so that no number of CPUs could make it more than {} times as fast.",
        percent_text(serial), digits(1 / serial));
  }

  void peers() {
    for (std::size_t i = 0; i < all_.size(); ++i)
      if (!is_ours(i))
        say("The peer against the fastest of Tessera's: {}. Its files were counted and not compared: it may do other "
            "work.",
            against(i, best_of_ours()));
  }

  const Json &runs_, &all_, &pairs_;
  std::size_t images_;
  int cpus_;
  bool blind_;
  Sentences said_;
};

}  // namespace

bool too_few_runs(const Json& runs) {
  const Json& method = runs.at("method");
  return !runs.at("pairs").empty() && method.at("runs").get<int>() < method.at("runs_needed").get<int>();
}

std::string apart_text(double ratio) {
  // The same whichever of the two is named first.
  return percent_text(std::max(ratio, 1 / ratio) - 1);
}

std::string longer_text(double ratio) {
  if (ratio < 1) return percent_text(1 - ratio) + " less time";
  return ratio < kLong ? percent_text(ratio - 1) + " longer" : ratio_text(ratio) + " times as long";
}

std::vector<std::string> verdict_sentences(const Json& runs, std::size_t images, int cpus) {
  return Verdict(runs, images, cpus).sentences();
}

}  // namespace tessera::pipeline
