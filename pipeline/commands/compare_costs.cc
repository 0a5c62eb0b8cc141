#include "pipeline/compare/costs.h"

#include "pipeline/commands/compare.h"

namespace tessera::pipeline {

void add_compare_costs(CLI::App& compare, Command& chosen) {
  struct Flags {
    bool quick = false;
    std::uint64_t seed = 0;
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
    chosen = [flags] {
      flags->show.check();
      const std::uint64_t seed = seed_or_any(flags->seed);
      Random random(seed);
      Json document = new_document(typed_words(), seed);
      document["costs"] = measure_costs(flags->quick, random, say_progress, document["notes"]);
      finish_document(document);
      say_progress("");
      flags->show.deliver(document);
      return kAllDone;
    };
  });
}

}  // namespace tessera::pipeline
