#include "pipeline/compare/configurations.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>

#include "pipeline/cpu_count.h"
#include "pipeline/stage_text.h"
#include "pipeline/usage_error.h"
#include "pipeline/worker_choice.h"

namespace tessera::pipeline {
namespace {

using Words = std::vector<std::string>;

constexpr std::array<std::string_view, 4> kModes{"serial", "threads", "processes", "hybrid"};

bool contains(const Words& words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

Configuration with_mode(std::string name, const std::string& mode, int jobs, int threads, Words flags) {
  const workers::ExecutorOptions chosen = choose_workers(mode, jobs, threads);
  using Mode = workers::ExecutorOptions::Mode;
  Configuration configuration;
  configuration.name = std::move(name);
  configuration.mode = chosen.mode == Mode::serial    ? "serial"
                       : chosen.mode == Mode::threads ? "threads"
                       : chosen.threads > 1           ? "hybrid"
                                                      : "processes";
  configuration.workers = chosen.workers;
  configuration.threads = chosen.threads;
  configuration.flags = std::move(flags);
  return configuration;
}

Configuration standard(const std::string& mode, int jobs, int threads) {
  Words flags{"--mode", mode};
  std::string name = mode;
  if (mode != "serial") {
    flags.push_back(fmt::format("-j{}", jobs));
    name += " " + flags.back();
  }
  if (mode == "hybrid") {
    flags.insert(flags.end(), {"--threads", fmt::format("{}", threads)});
    name += fmt::format(" --threads {}", threads);
  }
  return with_mode(name, mode, jobs, threads, flags);
}

/// The value of an option among words of a command line: "-j2", "-j 2", "--jobs=2", "--jobs 2". The last one counts.
std::optional<std::string> value_of(const Words& words, const std::string& option) {
  std::optional<std::string> value;
  const bool is_short = option.size() == 2;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == option && i + 1 < words.size())
      value = words[i + 1];
    else if (is_short && words[i].starts_with(option) && words[i].size() > option.size())
      value = words[i].substr(option.size());
    else if (!is_short && words[i].starts_with(option + "="))
      value = words[i].substr(option.size() + 1);
  }
  return value;
}

int count_of(const Words& words, const std::string& option, const std::string& where) {
  const std::optional<std::string> text = value_of(words, option);
  if (!text) return 0;
  int value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < 0)
    throw UsageError(fmt::format("{}: {} {} is no number", where, option, *text));
  return value;
}

/// "python3 /there/pool.py ..." -> "pool.py"
std::string program_name(const std::string& command, const std::string& where) {
  constexpr std::array<std::string_view, 6> kInterpreters{"bash", "env", "perl", "python", "python3", "sh"};
  for (const std::string& word : split_words(command, where)) {
    std::string name = std::filesystem::path(word).filename().string();
    if (name.empty() || word.starts_with('-') || std::ranges::find(kInterpreters, name) != kInterpreters.end())
      continue;
    return name;
  }
  return "peer";
}

// A word may hold a dash, but none begins with one: that would be an option of a command.
bool is_peer_name(std::string_view text) {
  return !text.empty() && text.find(" -") == std::string_view::npos && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(" ._+-").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::vector<Configuration> configurations_for(const Words& modes, const std::vector<int>& jobs,
                                              const std::vector<int>& threads, Json& notes) {
  for (const std::string& mode : modes)
    if (std::ranges::find(kModes, mode) == kModes.end())
      throw UsageError(fmt::format("--modes: '{}' is none of {}", mode, fmt::join(kModes, ", ")));
  const auto negative = [](int n) { return n < 0; };
  if (std::ranges::any_of(jobs, negative) || std::ranges::any_of(threads, negative))
    throw UsageError("-j and --threads: numbers of workers and threads are not below 0");
  std::vector<int> hybrid_threads;
  std::ranges::copy_if(threads, std::back_inserter(hybrid_threads), [](int n) { return n > 1; });
  if (hybrid_threads.empty()) {
    hybrid_threads.push_back(2);
    if (contains(modes, "hybrid"))
      notes.push_back("Hybrid workers have two or more threads, and --threads named no such number: they got two.");
  }
  std::vector<Configuration> found;
  const auto add = [&](const Configuration& configuration) {
    const auto same = [&](const Configuration& other) { return other.name == configuration.name; };
    if (std::ranges::none_of(found, same)) found.push_back(configuration);
  };
  for (const std::string_view listed : kModes) {
    const std::string mode(listed);
    if (!contains(modes, mode)) continue;
    if (mode == "serial") add(standard(mode, 1, 1));
    if (mode == "serial") continue;
    for (const int given : jobs) {
      const int count = given > 0 ? given : usable_cpus();
      if (mode != "hybrid") add(standard(mode, count, 0));
      if (mode != "hybrid") continue;
      for (const int inner : hybrid_threads) add(standard(mode, count, inner));
    }
  }
  return found;
}

Configuration custom_configuration(const std::string& text) {
  const std::string where = fmt::format("--config '{}'", text);
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || text.starts_with('-'))
    throw UsageError(fmt::format("{}: write NAME=FLAGS, for example 'two processes=--mode processes -j2'", where));
  const Words words = split_words(std::string_view(text).substr(equals + 1), where);
  for (const char* const own : {"-o", "--output", "--trace", "--json", "--recipe", "--resume", "--retry-failed"})
    if (contains(words, own) || std::ranges::any_of(words, [&](const std::string& word) {
          return word.starts_with(std::string(own) + (own[1] == '-' ? "=" : ""));
        }))
      throw UsageError(fmt::format("{}: {} is the comparison's own, leave it out", where, own));
  const std::string jobs = value_of(words, "-j") ? "-j" : "--jobs";
  try {
    return with_mode(text.substr(0, equals), value_of(words, "--mode").value_or("auto"), count_of(words, jobs, where),
                     count_of(words, "--threads", where), words);
  } catch (const UsageError& error) {
    const std::string said = error.what();
    throw UsageError(said.starts_with(where) ? said : fmt::format("{}: {}", where, said));
  }
}

Configuration peer_configuration(const std::string& text) {
  const std::string where = fmt::format("--peer '{}'", text);
  Configuration peer;
  peer.kind = "peer";
  peer.peer_command = text;
  if (const std::size_t equals = text.find('=');
      equals != std::string::npos && is_peer_name(std::string_view(text).substr(0, equals))) {
    peer.name = text.substr(0, equals);
    peer.peer_command = text.substr(equals + 1);
  }
  const auto names = [&](const char* place) { return peer.peer_command.find(place) != std::string::npos; };
  if (!names("{out}"))
    throw UsageError(fmt::format("{}: the command has to name {{out}}, the folder for its pictures", where));
  if (!names("{in}") && !names("{list}"))
    throw UsageError(
        fmt::format("{}: the command has to name {{in}}, a folder of the pictures, or {{list}}, a file "
                    "with one of their paths a line",
                    where));
  if (peer.name.empty()) peer.name = program_name(peer.peer_command, where);
  return peer;
}

void check_names(const std::vector<Configuration>& configurations) {
  std::set<std::string_view> names;
  for (const Configuration& configuration : configurations)
    if (!names.insert(configuration.name).second)
      throw UsageError(fmt::format("two configurations are called '{}': give one another NAME= (--config, --peer)",
                                   configuration.name));
}

}  // namespace tessera::pipeline
