#include "pipeline/compare/faults.h"

#include "pipeline/commands/compare.h"
#include "pipeline/commands/run.h"
#include "pipeline/cpu_count.h"

namespace tessera::pipeline {

void FaultsFlags::add_to(CLI::App& app) {
  app.option_defaults()->group("Faults");
  app.add_option("--faults", faults, "crash,hang,balloon,stack-overflow,heap-corruption (default: all)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"crash", "hang", "balloon", "stack-overflow", "heap-corruption"}));
  app.add_option("--modes", modes, "serial,threads,processes,hybrid (default: all)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"serial", "threads", "processes", "hybrid"}));
  app.add_option("-j,--jobs", jobs, "Workers, or threads in thread mode; default: as many as usable CPUs, at least 2")
      ->check(CLI::Range(1, 1024));
  app.add_option("--threads", threads, "Threads in each worker of hybrid mode; default 2")->check(CLI::Range(2, 256));
}

Json FaultsFlags::measure(const RunSet& set, std::uint64_t memory, const SignalWatch& signals) const {
  FaultsRequest request{.set = set, .faults = {}, .modes = modes, .run = run_words};
  for (const std::string& name : faults) request.faults.push_back(fault_called(name).value());
  request.jobs = jobs > 0 ? jobs : std::max(2, usable_cpus());
  request.threads = threads;
  request.memory = memory;
  request.signals = &signals;
  request.progress = say_progress;
  return compare_faults(request);
}

void add_compare_faults(CLI::App& compare, Command& chosen) {
  struct Flags {
    SetFlags set;
    FaultsFlags faults;
    ShowFlags show;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App& app = *compare.add_subcommand("faults",
                                          "Crash, hang, balloon, ... in the middle of a real run, in each mode: what "
                                          "is lost, and what it takes to recover");
  flags->set.add_to(app);
  flags->faults.add_to(app);
  flags->show.add_to(app);
  app.callback([flags, &chosen] {
    chosen = [flags] {
      return compare_set(flags->set, flags->show, std::nullopt,
                         [&](const RunSet& set, const SignalWatch& signals, Random&, Json& document) {
                           document["faults"] = flags->faults.measure(set, flags->set.memory(), signals);
                         });
    };
  });
}

}  // namespace tessera::pipeline
