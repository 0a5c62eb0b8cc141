#include "pipeline/compare/balance.h"

#include "pipeline/commands/compare.h"
#include "pipeline/cpu_count.h"

namespace tessera::pipeline {

void BalanceFlags::add_to(CLI::App& app) {
  app.option_defaults()->group("Balance");
  app.add_option("-j,--jobs", jobs, "Worker processes; default: as many as usable CPUs, at least 2")
      ->check(CLI::Range(1, 1024));
  app.add_option("--runs", runs, "Timed runs of each way; default 7")->check(CLI::Range(1, 1000));
  app.add_option("--huge", huge, "How many huge pictures are made; default: one more than workers")
      ->check(CLI::Range(1, 1000));
  app.add_option("--huge-megapixels", huge_megapixels, "Their size; default 50")->check(CLI::Range(1.0, 1000.0));
  app.add_flag("--as-is", as_is, "Take the pictures as they are; default: small copies of all, and a few huge ones");
}

Json BalanceFlags::measure(const RunSet& set, const SignalWatch& signals, Random& random) const {
  BalanceRequest request{.set = set};
  request.workers = jobs > 0 ? jobs : std::max(2, usable_cpus());
  request.runs = runs;
  request.huge = huge > 0 ? huge : request.workers + 1;
  request.huge_megapixels = huge_megapixels;
  request.as_is = as_is;
  request.signals = &signals;
  request.progress = say_progress;
  return compare_balance(request, random);
}

void add_compare_balance(CLI::App& compare, Command& chosen) {
  struct Flags {
    SetFlags set;
    BalanceFlags balance;
    ShowFlags show;
    std::optional<std::uint64_t> seed;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App& app = *compare.add_subcommand(
      "balance", "Many small pictures and a few huge ones: a static split, dynamic dispatch, and tiles at the tail");
  flags->set.add_to(app);
  flags->balance.add_to(app);
  app.add_option("--seed", flags->seed, "Of the order of runs and of the bootstrap; printed with the result");
  flags->show.add_to(app);
  app.callback([flags, &chosen] {
    chosen = [flags] {
      return compare_set(flags->set, flags->show, flags->seed,
                         [&](const RunSet& set, const SignalWatch& signals, Random& random, Json& document) {
                           document["balance"] = flags->balance.measure(set, signals, random);
                         });
    };
  });
}

}  // namespace tessera::pipeline
