// Options that several subcommands share: the recipe as flags, the inputs, and who does the work.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/input_set.h"
#include "pipeline/limits.h"
#include "pipeline/recipe.h"
#include "workers/executor.h"
#include "workers/fd.h"

namespace tessera::pipeline {

/// --recipe, -s and its shortcuts in the order given, -f, -Q, --set, template, keep, ...
class RecipeFlags {
 public:
  void add_to(CLI::App&);
  /// The file, if any, with the flags over it. `recipe_path`: a positional recipe. Throws UsageError.
  RecipeFile load(const std::string& recipe_path) const;
  /// The flags as they were given, in order; without a positional recipe.
  std::vector<std::string> words() const;

 private:
  CLI::App* app_ = nullptr;
  std::string recipe_, format_, background_, keep_, strip_, fail_on_, name_template_;
  std::vector<std::string> stages_, settings_;
  std::vector<std::pair<CLI::Option*, std::string>> shortcuts_;  // option, stage
  std::vector<std::unique_ptr<std::vector<std::string>>> shortcut_values_;
  CLI::Option* stage_option_ = nullptr;
  std::optional<int> quality_;
  bool full_decode_ = false;
};

/// Positional inputs, -r, --files-from. The first positional may be a recipe: NAME.toml.
class InputFlags {
 public:
  void add_to(CLI::App&, bool with_recipe);
  std::string recipe_path() const;  // "" if none
  /// A list that can be read once only (a pipe, and with `spool` standard input) is read to its end and kept, so that
  /// it can be read again.
  std::vector<InputSource> sources(bool spool = false);
  InputOptions options(const std::string& skip_folder) const;
  /// Every input that there is, for commands that look at all of them; waits for standard input.
  std::vector<std::string> all_paths();
  /// The list is standard input: it can be read once only.
  bool reads_stdin() const;
  /// As given, without a recipe: flags, then names, after "--" where one begins with a dash.
  std::vector<std::string> words() const;
  /// The same for another process, to be read any number of times: what can be read once only is copied into `folder`.
  std::vector<std::string> words_for_others(const std::string& folder);

 private:
  std::vector<std::string> paths_, lists_;
  std::vector<std::string> words_with(const std::vector<std::string>& lists) const;
  std::map<std::string, workers::Fd> spooled_;
  bool recursive_ = false, nul_ = false, with_recipe_ = false;
};

/// --sandbox, for every command that forks workers.
class SandboxFlag {
 public:
  void add_to(CLI::App&);
  workers::Sandbox value() const;
  /// Says on stderr, once for each, which layers are missing.
  void announce() const;
  std::vector<std::string> words() const;  // as it was given; none for the default

 private:
  std::string text_ = "auto";
};

/// --max-pixels, --timeout: what one image may take.
class LimitFlags {
 public:
  void add_to(CLI::App&);
  std::uint64_t max_pixels() const;  // 0: no limit. These throw UsageError
  TimeLimit time() const;
  std::vector<std::string> words() const;  // the flags as they were given; none for the defaults

 private:
  std::string max_pixels_ = "1G", timeout_ = "auto";
};

/// --mode, -j, --threads, --memory, --worker-memory, --sandbox.
class WorkerFlags {
 public:
  void add_to(CLI::App&, bool with_memory = true);
  workers::ExecutorOptions executor() const;  // throws UsageError
  std::uint64_t memory() const;
  std::uint64_t worker_memory() const;  // 0: not given
  std::string describe() const;         // "processes, 2 workers"
  /// The flags as they were given, for one image: one worker. Without --sandbox: what a run was trusted with once is
  /// not asked for again by a line that is pasted.
  std::string again() const;
  /// What is missing of the sandbox, on stderr; nothing where nobody is forked.
  void announce_sandbox() const;

 private:
  std::string mode_ = "auto", memory_ = "50%", worker_memory_;
  int jobs_ = 0, threads_ = 0;
  SandboxFlag sandbox_;
};

}  // namespace tessera::pipeline
