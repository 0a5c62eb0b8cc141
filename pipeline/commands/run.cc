#include <fmt/format.h>
#include <unistd.h>

#include "pipeline/commands/run.h"

#include "pipeline/commands/commands.h"
#include "pipeline/commands/options.h"
#include "pipeline/commands/run_summary.h"
#include "pipeline/console.h"
#include "pipeline/coordinator.h"
#include "pipeline/cpu_count.h"
#include "pipeline/job_files.h"
#include "pipeline/printable.h"
#include "pipeline/quarantine.h"
#include "pipeline/resume.h"
#include "pipeline/runner.h"
#include "pipeline/signals.h"
#include "pipeline/size_text.h"
#include "pipeline/survey.h"
#include "pipeline/trace.h"
#include "workers/fault_point.h"

namespace tessera::pipeline {
namespace {

struct RunFlags {
  RecipeFlags recipe;
  InputFlags inputs;
  WorkerFlags workers;
  LimitFlags limits;
  std::string output, on_exist, tiling = "auto", manifest, quarantine, trace;
  std::uint64_t max_failures = 0, breaker = 8, recycle = 0;
  int band_rows = 0;
  bool resume = false, retry_failed = false, sync = false;
  bool dry_run = false, fail_fast = false, quiet = false, verbose = false, print_recipe = false, json = false,
       stats = false;
};

// Begins a run or goes on with the last one (true), and leaves its recipe for whoever wants to repeat a picture.
bool open_run(Journal& journal, OutputTree& tree, const Recipe& recipe, const SessionInfo& session, bool resume) {
  const Hash128 hash = recipe.hash();
  const std::string hash8 = to_hex(hash).substr(0, 8);
  const std::optional<Hash128> last = resume ? journal.last_recipe_hash() : std::nullopt;
  if (last && *last != hash)
    throw UsageError(
        fmt::format("--resume: the last run in {} had another recipe ({}, this one is {}); repeat its command (its "
                    "recipe is {}/recipe-{}.toml), or leave out --resume to begin a new run",
                    printable(tree.root()), to_hex(*last).substr(0, 8), hash8, printable(tree.private_folder()),
                    to_hex(*last).substr(0, 8)));
  tree.write_private(fmt::format("recipe-{}.toml", hash8), recipe.canonical());
  if (last)
    journal.continue_run(session);
  else
    journal.begin_run(recipe.canonical(), hash, session);
  return last.has_value();
}

// In this process a crash ends the program: says so, and finds what was being worked on when that happened before.
std::map<std::string, bool> take_suspects(Journal& journal, bool in_process, bool quiet) {
  if (!in_process) {
    journal.clear_begun();  // workers take the fall now
    return {};
  }
  std::map<std::string, bool> suspects = journal.begun();
  if (!quiet)
    say(stderr, "tessera: this mode isolates nothing: a picture that crashes ends the run (--mode processes)\n");
  if (!suspects.empty())
    say(stderr,
        fmt::format(
            "tessera: the program ended while it worked on {} ({} in all); such pictures come last, one at a time\n",
            printable(suspects.begin()->first), suspects.size()));
  return suspects;
}

int run(RunFlags& flags, const Injection& injection) {
  if (flags.quiet && flags.verbose) throw UsageError("-q and -v: choose one");
  RecipeFile file = flags.recipe.load(flags.inputs.recipe_path());
  const auto recipe = std::make_shared<const Recipe>(std::move(file.recipe));
  if (flags.print_recipe) {
    fmt::print("{}", recipe->canonical());
    return kAllDone;
  }
  if (flags.inputs.sources().empty())
    throw UsageError("no input: name files, folders or patterns, or use --files-from");
  if (flags.output.empty()) throw UsageError("where to? give an output folder: -o DIR");
  const std::string policy = flags.on_exist.empty() ? file.on_exist.value_or("error") : flags.on_exist;
  const OnExist on_exist = parse_on_exist(policy, "--on-exist");
  // What may replace files or goes on has to know every input first; standard input is streamed otherwise.
  const bool replaces = on_exist == OnExist::overwrite || on_exist == OnExist::newer;
  const bool resume = flags.resume || flags.retry_failed;
  const bool knows_all = replaces || flags.dry_run || resume;
  const auto sources = flags.inputs.sources(knows_all);
  const bool streams = flags.inputs.reads_stdin() && !knows_all;
  workers::ExecutorOptions executor = flags.workers.executor();
  executor.worker_bytes = flags.workers.worker_memory();
  if (!flags.quiet && !flags.dry_run) flags.workers.announce_sandbox();
  const std::string root = flags.output;
  const InputOptions input_options = flags.inputs.options(root);
  const ProductNames names(*recipe);
  check_quarantine(flags.quarantine, root, sources);

  CoordinatorSettings settings;
  settings.tiling = flags.tiling == "whole"    ? Tiling::whole
                    : flags.tiling == "spread" ? Tiling::spread
                                               : Tiling::automatic;
  if (settings.tiling == Tiling::whole && recipe->outputs.size() > kMaxWholeProducts)
    throw UsageError(fmt::format("--tiling whole makes at most {} outputs of an image; leave it out for {}",
                                 kMaxWholeProducts, recipe->outputs.size()));
  settings.plan.band_rows = flags.band_rows;
  settings.max_pixels = flags.limits.max_pixels();
  settings.time = flags.limits.time();
  settings.most_private_bytes = executor.worker_bytes;
  settings.breaker = flags.breaker;
  settings.recycle = flags.recycle;
  settings.quarantine = flags.quarantine;
  settings.flags_again = flags.workers.again();
  for (const std::string& word : flags.limits.words()) settings.flags_again += " " + shell_word(word);
  if (settings.tiling != Tiling::automatic) settings.flags_again += " --tiling " + flags.tiling;
  settings.max_failures = flags.fail_fast ? 1 : flags.max_failures;
  settings.on_exist = on_exist;
  settings.sync = flags.sync;
  settings.injection = injection;
  if (!streams) {
    const auto inputs = make_input_set(sources, input_options);
    Survey found = survey(*inputs, *recipe, names, root, on_exist, resume, flags.dry_run);
    settings.total = found.inputs;
    settings.names_checked = names.known_before_decode();
    settings.originals = std::move(found.originals);
    if (found.inputs == 0) {
      for (const std::string& source : inputs->empty_sources())
        say(stderr,
            fmt::format("tessera: no picture directly in {} (-r enters the folders inside)\n", printable(source)));
      say(stderr, "tessera: no input matched\n");
      return kNothingMatched;
    }
    if (found.existing > 0)
      throw UsageError(fmt::format("{}{}{}", found.first_existing,
                                   found.existing > 1 ? fmt::format(" (and {} more)", found.existing - 1) : "",
                                   on_exist == OnExist::error ? "; choose --on-exist skip, overwrite or newer" : ""));
    if (flags.dry_run) {
      fmt::print("{} inputs, {}, memory at most {}\n", found.inputs, flags.workers.describe(),
                 format_bytes(flags.workers.memory()));
      return kAllDone;
    }
  }

  outlive_the_reader();
  OutputTree tree(root);
  RunStats stats;
  Trace trace(flags.trace, flags.stats ? &stats : nullptr);
  settings.trace = &trace;
  workers::fault_point("run.opened");
  const auto begun = std::chrono::steady_clock::now();
  const int slots = executor.mode == workers::ExecutorOptions::Mode::serial ? 1 : executor.threads;
  // Forked before anything else is opened or grown: workers inherit the recipe and nothing more.
  workers::Workforce workforce =
      workers::make_workforce(executor, flags.workers.memory(), make_runner(recipe, settings.plan, slots));
  workers::fault_point("run.forked");
  Journal journal(tree.private_folder() + "/journal.sqlite");
  tree.sweep();
  settings.resumes = resume;
  settings.resumed =
      open_run(journal, tree, *recipe, {current_boot_id(), flags.sync, flags.workers.describe()}, resume);
  if (settings.resumed)
    ResumeCheck(journal, tree, names, recipe->outputs.size(), *workforce.executor, on_exist, flags.retry_failed,
                flags.sync)
        .run(*make_input_set(sources, input_options));
  settings.retry_failed = flags.retry_failed;
  settings.marks = executor.mode != workers::ExecutorOptions::Mode::processes;
  settings.suspects = take_suspects(journal, settings.marks, flags.quiet);
  const auto inputs = make_input_set(sources, input_options);
  Progress progress(flags.quiet     ? Verbosity::quiet
                    : flags.verbose ? Verbosity::verbose
                                    : Verbosity::normal,
                    isatty(STDERR_FILENO) != 0);
  RunResult result;
  {
    // Where nothing can be killed, the second signal already does what it does by default.
    const SignalWatch signals(executor.mode == workers::ExecutorOptions::Mode::processes ? 2 : 1);
    settings.signals = &signals;
    Coordinator coordinator(recipe, settings, *inputs, workforce, tree, journal, names, progress);
    result = coordinator.run();
  }
  try {
    workforce.executor->stop(workers::Clock::now() + std::chrono::seconds(5));
    if (result.stopped.empty())
      journal.for_each_abandoned([&](const std::string& name, const FileIdentity& old) { tree.remove(name, old); });
    workers::fault_point("manifest.before");
    write_manifest(journal, flags.manifest.empty() ? tree.private_folder() + "/manifest.jsonl" : flags.manifest);
    write_timings(journal, tree.private_folder() + "/timings.jsonl");
  } catch (const std::exception& e) {
    if (result.stopped.empty()) result.stopped = e.what();
    result.environment = true;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  const RunFacts facts{root,
                       settings.total,
                       seconds,
                       workforce.arena->usage().peak,
                       workforce.arena->budget(),
                       flags.stats ? &stats : nullptr,
                       !settings.marks};
  return summarise(result, facts, flags.json, flags.quiet);
}

void add_injected_run(CLI::App& program, Command& chosen, const Injection& injection) {
  const auto flags = std::make_shared<RunFlags>();
  CLI::App& app = *program.add_subcommand("run", "Process images: recipe or flags, inputs, -o folder");
  flags->inputs.add_to(app, true);
  app.add_option("-o,--output", flags->output, "Output folder; mirrors the input tree")->type_name("DIR");
  app.add_option("--on-exist", flags->on_exist,
                 "What to do with an output that is there: error (default), skip, overwrite, newer");
  app.add_option("--manifest", flags->manifest,
                 "Where to write the manifest (JSON lines); default: DIR/.tessera/manifest.jsonl");
  flags->recipe.add_to(app);
  flags->workers.add_to(app);
  app.add_option("--tiling", flags->tiling,
                 "whole: one job an image; spread: its bands on all slots; auto: by size and load")
      ->check(CLI::IsMember({"auto", "whole", "spread"}));
  app.add_option("--recycle", flags->recycle,
                 "Replace a worker after so many images; 0: only once it has grown by 300 MB")
      ->type_name("N");
  flags->limits.add_to(app);
  app.option_defaults()->group("Failures");
  app.add_option("--max-failures", flags->max_failures, "Stop after so many failed images; 0: never")->type_name("N");
  app.add_flag("--fail-fast", flags->fail_fast, "Stop at the first failed image");
  app.add_option("--breaker", flags->breaker,
                 "Stop after so many deaths of workers in a row, each with another image; default 8; 0: never")
      ->type_name("N");
  app.add_option("--quarantine", flags->quarantine,
                 "Link or copy inputs that killed or hung their workers into this folder, each with a report beside it")
      ->type_name("DIR");
  app.add_flag("--resume", flags->resume,
               "Go on with this command's last run, however it ended; changed inputs are done again");
  app.add_flag("--retry-failed", flags->retry_failed, "--resume, and try failed and quarantined images again");
  app.add_flag("--fsync", flags->sync, "An image is done once it is on the disk: a power cut costs none; slower");
  app.option_defaults()->group("What is said");
  app.add_flag("-n,--dry-run", flags->dry_run, "Print every input and its output, and check names; make nothing");
  app.add_flag("--print-recipe", flags->print_recipe, "Print the effective recipe and stop");
  app.add_flag("-q,--quiet", flags->quiet, "No progress and no summary");
  app.add_flag("-v,--verbose", flags->verbose, "A line for each image");
  app.add_flag("--json", flags->json, "Print the summary as JSON on standard output");
  app.add_flag("--stats", flags->stats,
               "Say where the time went: every step's share of the slots' time, and what they waited");
  app.add_option("--trace", flags->trace,
                 "Write what each slot did when, as it happens: for ui.perfetto.dev and chrome://tracing")
      ->type_name("FILE");
  app.option_defaults()->group("Debugging");
  app.add_option("--band-rows", flags->band_rows, "Debugging: rows of a band, whatever the plan says")
      ->check(CLI::Range(0, 1 << 20));
  app.footer(
      "Signals: the first INT, TERM or HUP starts no more images and waits up to 5 s for those in flight; the second "
      "kills the workers; what is finished is published each time (exit 130, 143, 129). In serial and thread mode "
      "nothing can be killed: there the second ends the program as it is.");
  app.callback([flags, injection, &chosen] { chosen = [flags, injection] { return run(*flags, injection); }; });
}

}  // namespace

void add_run(CLI::App& program, Command& chosen) { add_injected_run(program, chosen, {}); }

int run_words(const std::vector<std::string>& words, const Injection& injection) {
  CLI::App app{"", "tessera"};
  app.require_subcommand(1);
  Command chosen;
  add_injected_run(app, chosen, injection);
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend() - 1));  // as CLI11 wants them: the last one first
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kAllDone : kUsage;
  }
  return guarded(chosen);
}

}  // namespace tessera::pipeline
