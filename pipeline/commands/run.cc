#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <opencv2/core.hpp>

#include "pipeline/collisions.h"
#include "pipeline/commands/commands.h"
#include "pipeline/commands/options.h"
#include "pipeline/coordinator.h"
#include "pipeline/cpu_count.h"
#include "pipeline/runner.h"
#include "pipeline/size_text.h"
#include "workers/fault_point.h"

namespace tessera::pipeline {
namespace {

struct RunFlags {
  RecipeFlags recipe;
  InputFlags inputs;
  WorkerFlags workers;
  std::string output, on_exist, tiling = "auto", max_pixels = "1G", manifest;
  std::uint64_t max_failures = 0;
  int band_rows = 0;
  bool dry_run = false, fail_fast = false, quiet = false, verbose = false, print_recipe = false, json = false;
};

std::string absolute(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

struct Survey {
  std::uint64_t inputs = 0, existing = 0;
  std::string first_existing;
  Originals originals;
};

// Pulls all inputs once, before anything is made: two inputs with one output name, an output that is another's input,
// and, with --on-exist error, outputs that are there already end the run here. With `print`, says what would happen.
Survey survey(InputSet& inputs, const Recipe& recipe, const ProductNames& names, const std::string& root,
              OnExist on_exist, bool print) {
  Survey survey;
  CollisionDetector collisions;
  while (const std::optional<Input> input = wait_for_next(inputs)) {
    ++survey.inputs;
    if (on_exist == OnExist::overwrite || on_exist == OnExist::newer) survey.originals.add(input->path);
    if (input->error) {
      if (print) fmt::print("{} : {}\n", input->path, *input->error);
      continue;
    }
    try {
      for (std::size_t i = 0; i < recipe.outputs.size(); ++i) {
        if (!names.known_before_decode(i)) {
          if (print) fmt::print("{} -> {} (named once it is decoded)\n", input->path, recipe.outputs[i].name_template);
          continue;
        }
        const std::string output = root + "/" + names.name_of(*input, i, nullptr);
        if (const auto collision = collisions.add(absolute(output), absolute(input->path)))
          throw UsageError(to_string(*collision));
        const Existing existing = look_at_output(output, input->path);
        // The input's own time decides `newer` when the run looks again; here only what is certain is said.
        const Decision decision = decide(on_exist, existing, 0, false);
        if (existing.kind != Existing::Kind::absent && decision.action == Action::refuse && survey.existing++ == 0)
          survey.first_existing = fmt::format("{}: {}", output, decision.reason);
        if (print)
          fmt::print("{} -> {}{}\n", input->path, output,
                     existing.kind == Existing::Kind::absent ? ""
                     : decision.action == Action::replace    ? " (replaced)"
                     : on_exist == OnExist::newer            ? " (replaced if the input is newer)"
                                                             : fmt::format(" ({})", decision.reason));
      }
    } catch (const stages::ImageError& e) {
      if (print) fmt::print("{} : {}\n", input->path, e.what());  // one failed item, when its turn comes
    }
  }
  return survey;
}

double cpu_seconds(int who) {
  rusage usage{};
  getrusage(who, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int report(const RunResult& result, const RunFlags& flags, const std::string& root, double seconds,
           const workers::Arena& arena) {
  const Counts& c = result.counts;
  if (flags.json) {
    fmt::print(
        "{{\"done\": {}, \"skipped\": {}, \"failed\": {}, \"quarantined\": {}, \"bytes_in\": {}, \"bytes_out\": {}, "
        "\"seconds\": {:.3f}, \"coordinator_cpu\": {:.4f}, \"worker_cpu\": {:.4f}, \"messages\": {}, \"peak_memory\": "
        "{}, "
        "\"stopped\": {}}}\n",
        c.done, c.skipped, c.failed, c.quarantined, c.bytes_in, c.bytes_out, seconds, cpu_seconds(RUSAGE_SELF),
        cpu_seconds(RUSAGE_CHILDREN), result.messages, arena.usage().peak, result.stopped.empty() ? "false" : "true");
  } else if (!flags.quiet) {
    std::string line = fmt::format("{} done", c.done);
    if (c.skipped) line += fmt::format(", {} skipped", c.skipped);
    if (c.failed) line += fmt::format(", {} failed", c.failed);
    if (c.quarantined) line += fmt::format(", {} quarantined", c.quarantined);
    fmt::print(stderr, "tessera: {} in {:.1f} s ({:.1f} images/s), {} -> {}, {}\n", line, seconds,
               static_cast<double>(c.finished()) / seconds, format_bytes(c.bytes_in), format_bytes(c.bytes_out), root);
  }
  if (!result.stopped.empty()) fmt::print(stderr, "tessera: stopped early: {}\n", result.stopped);
  if (result.environment) return kEnvironment;
  if (c.finished() == 0) {
    fmt::print(stderr, "tessera: no input matched\n");
    return kNothingMatched;
  }
  return c.failed + c.quarantined > 0 ? kSomeFailed : kAllDone;
}

int run(RunFlags& flags) {
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
  // What may replace files has to know every input first; standard input is streamed otherwise.
  const bool replaces = on_exist == OnExist::overwrite || on_exist == OnExist::newer;
  const auto sources = flags.inputs.sources(replaces || flags.dry_run);
  const bool streams = flags.inputs.reads_stdin() && !replaces && !flags.dry_run;
  const workers::ExecutorOptions executor = flags.workers.executor();
  const std::string root = flags.output;
  const InputOptions input_options = flags.inputs.options(root);
  const ProductNames names(*recipe);

  CoordinatorSettings settings;
  settings.tiling = flags.tiling == "whole"    ? Tiling::whole
                    : flags.tiling == "spread" ? Tiling::spread
                                               : Tiling::automatic;
  if (settings.tiling == Tiling::whole && recipe->outputs.size() > kMaxWholeProducts)
    throw UsageError(fmt::format("--tiling whole makes at most {} outputs of an image; leave it out for {}",
                                 kMaxWholeProducts, recipe->outputs.size()));
  settings.plan.band_rows = flags.band_rows;
  settings.max_pixels = parse_count(flags.max_pixels, "--max-pixels");
  settings.max_failures = flags.fail_fast ? 1 : flags.max_failures;
  settings.on_exist = on_exist;
  if (!streams) {
    const auto inputs = make_input_set(sources, input_options);
    Survey found = survey(*inputs, *recipe, names, root, on_exist, flags.dry_run);
    settings.total = found.inputs;
    settings.names_checked = names.known_before_decode();
    settings.originals = std::move(found.originals);
    if (found.inputs == 0) {
      for (const std::string& source : inputs->empty_sources())
        fmt::print(stderr, "tessera: no picture directly in {} (-r enters the folders inside)\n", source);
      fmt::print(stderr, "tessera: no input matched\n");
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

  OutputTree tree(root);
  workers::fault_point("run.opened");
  const auto begun = std::chrono::steady_clock::now();
  const int slots = executor.mode == workers::ExecutorOptions::Mode::serial ? 1 : executor.threads;
  // Forked before anything else is opened or grown: workers inherit the recipe and nothing more.
  workers::Workforce workforce =
      workers::make_workforce(executor, flags.workers.memory(), make_runner(recipe, settings.plan, slots));
  workers::fault_point("run.forked");
  Journal journal(tree.private_folder() + "/journal.sqlite");
  tree.sweep();
  journal.begin_run(recipe->canonical(), recipe->hash());
  const auto inputs = make_input_set(sources, input_options);
  Progress progress(flags.quiet     ? Verbosity::quiet
                    : flags.verbose ? Verbosity::verbose
                                    : Verbosity::normal,
                    isatty(STDERR_FILENO) != 0);
  RunResult result;
  {
    Coordinator coordinator(recipe, settings, *inputs, workforce, tree, journal, names, progress);
    result = coordinator.run();
  }
  workforce.executor->stop(workers::Clock::now() + std::chrono::seconds(5));
  workers::fault_point("manifest.before");
  write_manifest(journal, flags.manifest.empty() ? tree.private_folder() + "/manifest.jsonl" : flags.manifest);
  write_timings(journal, tree.private_folder() + "/timings.jsonl");
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return report(result, flags, root, seconds, *workforce.arena);
}

}  // namespace

void add_run(CLI::App& program, Command& chosen) {
  const auto flags = std::make_shared<RunFlags>();
  CLI::App& app = *program.add_subcommand("run", "Process images: recipe or flags, inputs, -o folder");
  flags->inputs.add_to(app, true);
  app.add_option("-o,--output", flags->output, "Output folder; mirrors the input tree")->type_name("DIR");
  flags->recipe.add_to(app);
  app.add_option("--on-exist", flags->on_exist,
                 "What to do with an output that is there: error (default), skip, overwrite, newer");
  flags->workers.add_to(app);
  app.add_option("--tiling", flags->tiling,
                 "whole: one job an image; spread: its bands on all slots; auto: by size and load")
      ->check(CLI::IsMember({"auto", "whole", "spread"}));
  app.add_option("--max-pixels", flags->max_pixels, "Refuse larger images from their header: 100M, 1G; 0: no limit")
      ->type_name("COUNT");
  app.add_option("--max-failures", flags->max_failures, "Stop after so many failed images; 0: never")->type_name("N");
  app.add_flag("--fail-fast", flags->fail_fast, "Stop at the first failed image");
  app.add_option("--manifest", flags->manifest,
                 "Where to write the manifest (JSON lines); default: DIR/.tessera/manifest.jsonl");
  app.add_option("--band-rows", flags->band_rows, "Debugging: rows of a band, whatever the plan says")
      ->check(CLI::Range(0, 1 << 20))
      ->group("Debugging");
  app.add_flag("-n,--dry-run", flags->dry_run, "Print every input and its output, and check names; make nothing");
  app.add_flag("--print-recipe", flags->print_recipe, "Print the effective recipe and stop");
  app.add_flag("-q,--quiet", flags->quiet, "No progress and no summary");
  app.add_flag("-v,--verbose", flags->verbose, "A line for each image");
  app.add_flag("--json", flags->json, "Print the summary as JSON on standard output");
  app.callback([flags, &chosen] { chosen = [flags] { return run(*flags); }; });
}

}  // namespace tessera::pipeline
