#include "pipeline/compare/balance_words.h"

#include <fmt/format.h>

#include "pipeline/compare/figures.h"
#include "pipeline/compare/pairs.h"
#include "pipeline/compare/sentences.h"

namespace tessera::pipeline {
namespace {

constexpr std::size_t kStatic = 0, kDynamic = 1, kTiles = 2;

double median(const Json& way, const char* what) { return way.at(what).at("median").get<double>(); }

std::string set_sentence(const BalanceFacts& facts, int workers) {
  if (facts.huge == 0) return fmt::format("{} as they are, {} workers.", counted(facts.images, "picture"), workers);
  return fmt::format("{} and {} of {} megapixels at the end of the list, {} workers.",
                     counted(facts.images - facts.huge, "small picture"), counted(facts.huge, "picture"),
                     digits(facts.huge_megapixels), workers);
}

std::string static_sentence(const Json& way) {
  const double wall = median(way, "wall_s"), tail = median(way, "tail_s");
  return fmt::format(
      "Cut into equal parts beforehand, they took {}; for {} of it at least one worker had nothing left to do, and the "
      "busiest one worked {} more than the mean: the workers were used to {}.",
      seconds_text(wall), seconds_text(tail), percent_text(median(way, "imbalance")),
      percent_text(median(way, "utilisation")));
}

/// "They took 1.2 s with the workers used to 98 %: 12 % less time than OTHER.", or no difference beyond noise.
std::string against(const std::string& subject, const Json& way, const Difference& difference, const char* other) {
  const std::string took = fmt::format("{} took {} with the workers used to {}", subject,
                                       seconds_text(median(way, "wall_s")), percent_text(median(way, "utilisation")));
  if (!difference.significant) return fmt::format("{}: no difference from {} beyond noise.", took, other);
  const double ratio = difference.ratio.ratio;
  return fmt::format("{}: {} than {}.", took, ratio < 1 ? longer_text(ratio) : percent_text(ratio - 1) + " more time",
                     other);
}

/// The route's own conditions (route.cc), in the order in which they are met.
std::string why_not_cut(const BalanceFacts& facts) {
  if (facts.bands > 0)
    return "pictures were taken apart, but each is one band once its recipe has made it small: there was nothing to "
           "share.";
  if (facts.declined == 0)
    return "nothing was cut: only pictures of more than 8 megapixels are, and only when no other worker has as much to "
           "do "
           "before the set ends.";
  return "nothing was cut: for the large pictures it would not have saved a fifth of the time, because reading and "
         "writing one is most of its work and keeps one worker each, or they did not fit into the memory cut into "
         "bands "
         "(--memory).";
}

std::string tiles_sentence(const Json& way, const Difference& difference, const BalanceFacts& facts) {
  if (!was_cut(facts))
    return fmt::format("With tiles allowed {} {}", why_not_cut(facts),
                       against("It", way, difference, "the way without"));
  return against(fmt::format("With {} cut into {} for all workers, it", counted(facts.banded_images, "picture"),
                             counted(facts.bands, "band")),
                 way, difference, "the way without bands");
}

}  // namespace

bool was_cut(const BalanceFacts& facts) { return facts.bands > facts.banded_images; }

std::string tiles_name(const BalanceFacts& facts) {
  return was_cut(facts) ? "dynamic dispatch with tiles" : "dynamic dispatch, tiles allowed, none cut";
}

std::string balance_explanation(const Json& section, const BalanceFacts& facts) {
  const Json& ways = section.at("ways");
  const Json& pairs = section.at("pairs");
  std::string text = set_sentence(facts, section.at("workers").get<int>());
  text += " " + static_sentence(ways.at(kStatic));
  text += " " + against("Given out one by one to whoever was free, they", ways.at(kDynamic),
                        difference(pairs, kDynamic, kStatic), "the static split");
  text += " " + tiles_sentence(ways.at(kTiles), difference(pairs, kTiles, kDynamic), facts);
  const std::size_t needed = runs_needed(pairs.size(), facts.alpha);
  if (facts.runs < needed)
    text += fmt::format(" With {} of each way nothing can be told from noise; it takes {}.", counted(facts.runs, "run"),
                        needed);
  return text;
}

}  // namespace tessera::pipeline
