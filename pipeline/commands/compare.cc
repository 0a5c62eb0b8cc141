#include "pipeline/commands/compare.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "pipeline/compare/configurations.h"
#include "pipeline/compare/costs.h"
#include "pipeline/compare/runs.h"
#include "pipeline/console.h"
#include "pipeline/cpu_count.h"

namespace tessera::pipeline {
namespace {

struct CompareFlags {
  SetFlags set;
  ShowFlags show;
  FaultsFlags faults;
  BalanceFlags balance;
  std::vector<std::string> modes{"serial", "threads", "processes", "hybrid"}, configs, peers, with;
  std::vector<int> jobs, threads{2};
  int runs = 0, warmup = 1;
  std::uint64_t seed = 0;
  bool cold = false, quick = false;
};

std::vector<int> usual_jobs() {
  std::vector<int> jobs;
  for (int n = 1; n < usable_cpus(); n *= 2) jobs.push_back(n);
  jobs.push_back(usable_cpus());
  return jobs;
}

std::vector<Configuration> configurations_of(const CompareFlags& flags, Json& notes) {
  const bool none = flags.modes == std::vector<std::string>{"none"};
  std::vector<Configuration> all =
      configurations_for(none ? std::vector<std::string>() : flags.modes,
                         flags.jobs.empty() ? usual_jobs() : flags.jobs, flags.threads, notes);
  for (const std::string& text : flags.configs) all.push_back(custom_configuration(text));
  for (const std::string& text : flags.peers) all.push_back(peer_configuration(text));
  if (all.empty()) throw UsageError("--modes none leaves nothing to compare: name something with --config or --peer");
  if (std::ranges::all_of(all, &Configuration::is_peer))
    throw UsageError("peers alone have nothing to be held against: name a mode with --modes, or --config, too");
  return all;
}

int compare(CompareFlags& flags) {
  const auto asked = [&](const char* part) { return std::ranges::find(flags.with, part) != flags.with.end(); };
  return compare_set(flags.set, flags.show, flags.seed,
                     [&](const RunSet& set, const SignalWatch& signals, Random& random, Json& document) {
                       Json& notes = document["notes"];
                       RunsRequest request{.set = set, .configurations = configurations_of(flags, notes)};
                       const std::size_t count = request.configurations.size();
                       request.runs = flags.runs;
                       if (flags.runs == 0)
                         request.runs =
                             std::max(7, static_cast<int>(runs_needed(count * (count - 1) / 2, request.alpha)));
                       request.warmup = flags.warmup;
                       request.cold = flags.cold;
                       request.signals = &signals;
                       request.progress = say_progress;
                       double megapixels = 0;
                       document["runs"] = compare_runs(request, random, notes, &megapixels);
                       document["set"]["megapixels"] = megapixels;
                       if (asked("costs")) document["costs"] = measure_costs(flags.quick, random, say_progress, notes);
                       if (asked("faults")) document["faults"] = flags.faults.measure(set, flags.set.memory(), signals);
                       if (asked("balance")) document["balance"] = flags.balance.measure(set, signals, random);
                     });
}

}  // namespace

void say_progress(const std::string& text) {
  if (isatty(STDERR_FILENO)) say(stderr, fmt::format("\r\x1b[K{}", text));
}

std::uint64_t seed_or_any(std::uint64_t given) { return given != 0 ? given : std::random_device()() + 1ull; }

int compare_set(SetFlags& set_flags, const ShowFlags& show, std::uint64_t seed_flag, const Experiment& experiment) {
  show.check();
  const std::uint64_t seed = seed_or_any(seed_flag);
  Random random(seed);
  Json document = new_document(typed_words(), seed);
  const int code = watched([&](const SignalWatch& signals) {
    const WorkFolder work(set_flags.work_parent());
    const RunSet set = set_flags.load(work.path());
    document["set"] = set.section();
    experiment(set, signals, random, document);
    return kAllDone;
  });
  say_progress("");
  if (code != kAllDone) return code;
  finish_document(document);
  show.deliver(document);
  return kAllDone;
}

void add_compare(CLI::App& program, Command& chosen) {
  const auto flags = std::make_shared<CompareFlags>();
  CLI::App& app = *program.add_subcommand(
      "compare", "Measure what threads and processes cost and are worth, on these pictures and this machine");
  flags->set.add_to(app);
  app.option_defaults()->group("What is compared");
  app.add_option("--modes", flags->modes,
                 "serial,threads,processes,hybrid (default: all), or none: only --config, --peer")
      ->delimiter(',')
      ->check(CLI::IsMember({"serial", "threads", "processes", "hybrid", "none"}));
  app.add_option("-j,--jobs", flags->jobs,
                 "Workers, or threads in thread mode: 1,2,4; default: 1, 2, 4, ... up to the CPUs")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024));
  app.add_option("--threads", flags->threads, "Threads in each worker of hybrid mode: 2,4; default 2")
      ->delimiter(',')
      ->check(CLI::Range(1, 256));
  app.add_option("--config", flags->configs,
                 "One more: any flags of run, as 'sandbox off=-j2 --sandbox off'; repeatable")
      ->type_name("NAME=FLAGS")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option(
         "--peer", flags->peers,
         "Another program: 'NAME=CMD {in} {out}', run by a shell. {in}: a folder of the pictures, {list}: a file "
         "with their paths, {out}: a new folder; repeatable")
      ->type_name("NAME=CMD")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--with", flags->with, "Add experiments to the result: costs,faults,balance")
      ->delimiter(',')
      ->check(CLI::IsMember({"costs", "faults", "balance"}));
  app.option_defaults()->group("Method");
  app.add_option("--runs", flags->runs,
                 "Timed runs of each; default: 7, or what it takes to call a difference significant")
      ->check(CLI::Range(1, 10000));
  app.add_option("--warmup", flags->warmup,
                 "Runs of each before that, in which memory is watched; default 1 (0: one, for memory)")
      ->check(CLI::Range(0, 100));
  app.add_flag("--cold", flags->cold, "Drop the pictures from the page cache before each run");
  app.add_flag("--quick", flags->quick, "Costs in under ten seconds, less exactly");
  app.add_option("--seed", flags->seed, "Of the order of runs and of the bootstrap; printed with the result");
  flags->show.add_to(app);
  app.require_subcommand(0, 1);
  add_compare_costs(app, chosen);
  add_compare_faults(app, chosen);
  add_compare_balance(app, chosen);
  add_compare_show(app, chosen);
  app.callback([flags, &app, &chosen] {
    if (app.get_subcommands().empty()) {
      chosen = [flags] { return compare(*flags); };
    } else if (flags->set.any()) {
      throw CLI::ValidationError(app.get_subcommands().front()->get_name(), "pictures and flags stand behind it");
    }
  });
}

}  // namespace tessera::pipeline
