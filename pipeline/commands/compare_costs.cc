#include "pipeline/compare/costs.h"

#include <fmt/format.h>

#include "pipeline/commands/compare.h"
#include "pipeline/compare/launch.h"
#include "pipeline/compare/other_load.h"

namespace tessera::pipeline {

Json measure_costs_watched(bool quick, Random& random, const SignalWatch& signals, Json& notes) {
  const auto check = [&] {
    if (signals.count() > 0) throw Interrupted(signals.first());
  };
  const OtherLoad others;
  Json costs;
  try {
    costs = measure_costs(
        quick, random,
        [&](const std::string& text) {
          check();
          say_progress(text);
        },
        notes);
  } catch (const std::system_error&) {
    check();  // what ended a measuring process came to us as well
    throw;
  }
  constexpr double kMuch = 0.05;
  if (const double load = others.until_now(); load > kMuch)
    notes.push_back(fmt::format(
        "Others took {:.0f} % of all processor time while costs were measured: on an idle machine they would "
        "be lower and steadier.",
        100 * load));
  return costs;
}

void add_compare_costs(CLI::App& compare, Command& chosen) {
  struct Flags {
    bool quick = false;
    std::optional<std::uint64_t> seed;
    ShowFlags show;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App& app = *compare.add_subcommand("costs",
                                          "What this machine takes for a thread, a process, a message, a frame handed "
                                          "over, a shared counter, a copied page");
  app.add_flag("--quick", flags->quick, "In under ten seconds, less exactly");
  app.add_option("--seed", flags->seed, "Of the bootstrap; printed with the result");
  flags->show.add_to(app);
  app.callback([flags, &chosen] {
    chosen = [flags]() -> int {
      flags->show.check();
      const std::uint64_t seed = seed_of(flags->seed);
      Random random(seed);
      Json document = new_document(typed_words(), seed);
      const int code = watched([&](const SignalWatch& signals) {
        document["costs"] = measure_costs_watched(flags->quick, random, signals, document["notes"]);
        return kAllDone;
      });
      say_progress("");
      if (code != kAllDone) return code;
      finish_document(document);
      flags->show.deliver(document);
      return kAllDone;
    };
  });
}

}  // namespace tessera::pipeline
