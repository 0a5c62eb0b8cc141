#include "pipeline/compare/recommendation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "pipeline/compare/figures.h"
#include "pipeline/compare/pairs.h"
#include "pipeline/compare/sentences.h"

namespace tessera::pipeline {
namespace {

constexpr double kAsGood = 1.05;
using Indices = std::vector<std::size_t>;

class Choice {
 public:
  explicit Choice(const Json& runs)
      : all_(runs.at("configurations")),
        pairs_(runs.at("pairs")),
        method_(runs.at("method")),
        blind_(too_few_runs(runs)) {}

  Json recommend() const {
    const Indices ours = those(all(), [&](std::size_t i) { return all_[i].at("kind") == "tessera"; });
    assert(!ours.empty());
    const std::size_t fastest = least(ours, [&](std::size_t i) { return wall(i); });
    const Indices candidates = those(ours, [&](std::size_t i) {
      return blind_ ? wall(i) <= wall(fastest) * kAsGood : !difference(pairs_, i, fastest).slower();
    });
    const Indices isolating = those(ours, [&](std::size_t i) { return isolates(i); });
    const Indices isolating_candidates = those(candidates, [&](std::size_t i) { return isolates(i); });
    const Indices isolating_near = those(isolating, [&](std::size_t i) { return wall(i) <= wall(fastest) * kAsGood; });
    if (!isolating_candidates.empty()) return with(best(isolating_candidates), fastest);
    if (!isolating_near.empty()) return with(best(isolating_near), fastest);
    return without(best(candidates), fastest, isolating);
  }

 private:
  Indices all() const {
    Indices indices(all_.size());
    for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = i;
    return indices;
  }
  template <typename Keep>
  static Indices those(const Indices& from, Keep keep) {
    Indices kept;
    std::copy_if(from.begin(), from.end(), std::back_inserter(kept), keep);
    return kept;
  }
  template <typename Of>
  static std::size_t least(const Indices& from, Of of) {
    return *std::min_element(from.begin(), from.end(), [&](std::size_t a, std::size_t b) { return of(a) < of(b); });
  }
  double wall(std::size_t i) const { return all_[i].at("wall_s").at("median"); }
  double memory(std::size_t i) const { return all_[i].at("memory").at("pss_bytes"); }
  std::string name(std::size_t i) const { return all_[i].at("name"); }
  int exposure(std::size_t i) const {
    return all_[i].at("mode") == "processes" ? 0 : all_[i].at("mode") == "hybrid" ? 1 : 2;
  }
  bool isolates(std::size_t i) const { return exposure(i) < 2; }

  std::size_t best(Indices from) const {
    // Each step keeps those that are as good as the best of them at one thing.
    const auto keep = [&](auto of, double slack) {
      const auto limit = of(least(from, of)) * slack;
      from = those(from, [&](std::size_t i) { return of(i) <= limit; });
    };
    keep([&](std::size_t i) { return wall(i); }, kAsGood);
    keep([&](std::size_t i) { return static_cast<double>(exposure(i)); }, 1);
    keep([&](std::size_t i) { return memory(i); }, kAsGood);
    keep([&](std::size_t i) { return all_[i].at("slots").template get<double>(); }, 1);
    return least(from, [&](std::size_t i) { return wall(i); });
  }

  /// "0.7 % behind threads -j2, within noise"
  std::string behind(std::size_t i, std::size_t fastest) const {
    return fmt::format("{} behind {}, {}", apart_text(difference(pairs_, i, fastest).ratio.ratio), name(fastest),
                       difference(pairs_, i, fastest).significant ? "beyond noise"
                       : blind_                                   ? "not tested"
                                                                  : "within noise");
  }
  std::string memory_text(std::size_t i, std::size_t other) const {
    const std::string own = fmt::format("It takes {} of memory at its peak", bytes_text(memory(i)));
    if (i == other || bytes_text(memory(i)) == bytes_text(memory(other))) return own + ".";
    const double more = memory(i) - memory(other);
    return fmt::format("{}, {} {} than {}.", own, bytes_text(std::abs(more)), more > 0 ? "more" : "less", name(other));
  }
  Json chosen(std::size_t i, const std::string& why) const {
    const std::string undecided = blind_
                                      ? fmt::format("Undecided: too few runs ({}, needed: {}). By the medians alone, ",
                                                    method_.at("runs").get<int>(), method_.at("runs_needed").get<int>())
                                      : "";
    return {{"configuration", i}, {"command", all_[i].at("command")}, {"why", undecided + why}};
  }

  Json with(std::size_t i, std::size_t fastest) const {
    const std::string keeps = all_[i].at("mode") == "processes"
                                  ? "a picture that crashes its worker costs itself and no other"
                                  : "a picture that crashes its worker ends that worker and not the run; the pictures "
                                    "that the same worker had in hand are begun again by another";
    const std::string time =
        i == fastest
            ? fmt::format("{} took the least time of Tessera's configurations ({})", name(i), seconds_text(wall(i)))
            : fmt::format("{} takes {}, {}", name(i), seconds_text(wall(i)), behind(i, fastest));
    return chosen(i, fmt::format("{}, and {}. {}", time, keeps, memory_text(i, fastest)));
  }

  Json without(std::size_t i, std::size_t fastest, const Indices& isolating) const {
    std::string why = i == fastest ? fmt::format("{} took the least time ({})", name(i), seconds_text(wall(i)))
                                   : fmt::format("{} takes {}, {}", name(i), seconds_text(wall(i)), behind(i, fastest));
    if (isolating.empty()) {
      why += "; no configuration that isolates was compared";
    } else {
      const std::size_t safe = best(isolating);
      why += fmt::format("; {}, the best that isolates, takes {}", name(safe),
                         longer_text(difference(pairs_, safe, i).ratio.ratio));
    }
    return chosen(i, why +
                         ". The risk: one picture that crashes its decoder ends the whole run, and it has to be "
                         "started again with --resume.");
  }

  const Json &all_, &pairs_, &method_;
  bool blind_;
};

}  // namespace

Json recommend(const Json& runs) { return Choice(runs).recommend(); }

}  // namespace tessera::pipeline
