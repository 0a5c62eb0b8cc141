// The experiments of `compare`: each is a subcommand below it and, with --with, a part of the main comparison.
#pragma once

#include <CLI/CLI.hpp>

#include "pipeline/commands/commands.h"
#include "pipeline/commands/compare_flags.h"
#include "pipeline/compare/document.h"

namespace tessera::pipeline {

void add_compare_costs(CLI::App& compare, Command& chosen);
void add_compare_faults(CLI::App& compare, Command& chosen);
void add_compare_balance(CLI::App& compare, Command& chosen);
void add_compare_show(CLI::App& compare, Command& chosen);

/// The section "costs"; throws Interrupted.
Json measure_costs_watched(bool quick, Random&, const SignalWatch&, Json& notes);

/// A line on stderr that the next one replaces on a terminal; nothing elsewhere.
void say_progress(const std::string& text);

/// The seed that was given, or one from the system.
std::uint64_t seed_of(const std::optional<std::uint64_t>& given);

/// One experiment over pictures, from its flags to its results; the exit code.
using Experiment = std::function<void(const RunSet&, const SignalWatch&, Random&, Json& document)>;
int compare_set(SetFlags&, const ShowFlags&, const std::optional<std::uint64_t>& seed, const Experiment&);

/// jobs 0: as many as this process may use, at least two.
struct FaultsFlags {
  std::vector<std::string> modes{"serial", "threads", "processes", "hybrid"};
  std::vector<std::string> faults{"crash", "hang", "balloon", "stack-overflow", "heap-corruption"};
  int jobs = 0, threads = 2;
  void add_to(CLI::App&);
  Json measure(const RunSet&, std::uint64_t memory, const SignalWatch&) const;
};

struct BalanceFlags {
  int jobs = 0, runs = 7, huge = 0;  // huge 0: one more than workers
  double huge_megapixels = 50;
  bool as_is = false;
  void add_to(CLI::App&);
  Json measure(const RunSet&, const SignalWatch&, Random&) const;
};

}  // namespace tessera::pipeline
