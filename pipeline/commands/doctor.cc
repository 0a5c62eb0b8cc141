#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "pipeline/canary.h"
#include "pipeline/commands/commands.h"
#include "pipeline/machine_report.h"
#include "pipeline/size_text.h"

namespace tessera::pipeline {
namespace {

using Json = nlohmann::ordered_json;

struct DoctorFlags {
  std::string output;
  bool json = false;
};

void add_canary(MachineReport& report) {
  Json& facts = report.facts["canary"];
  const std::vector<int> threads = canary_thread_counts();
  try {
    const std::vector<CanaryResult> results = run_canary(canary_cases(), workers::Sandbox::automatic, threads);
    std::size_t failed = 0;
    for (const CanaryResult& result : results) {
      if (result.error.empty()) continue;
      ++failed;
      report.problems.push_back(fmt::format("In a worker of {} thread{}, {}: {}", result.threads,
                                            result.threads == 1 ? "" : "s", result.what, result.error));
    }
    facts["tried"] = results.size();
    facts["failed"] = failed;
  } catch (const std::exception& error) {
    report.problems.push_back(fmt::format("No worker can be started: {}", error.what()));
  }
  facts["threads_of_the_workers"] = threads;
}

std::string text_of(const std::string& name, const Json& value) {
  if (value.is_null()) return "none";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_unsigned() && name.ends_with("_bytes")) return format_bytes(value.get<std::uint64_t>());
  if (value.is_string()) return value.get<std::string>().empty() ? "nothing" : value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string list;
  for (const Json& entry : value) list += (list.empty() ? "" : ", ") + text_of("", entry);
  return list;
}

std::string words_of(std::string name) {
  if (name.ends_with("_bytes")) name.resize(name.size() - std::string_view("_bytes").size());
  std::ranges::replace(name, '_', ' ');
  return name;
}

void print_text(const MachineReport& report) {
  for (const auto& [section, facts] : report.facts.items()) {
    fmt::print("{}\n", words_of(section));
    for (const auto& [name, value] : facts.items()) fmt::print("  {:24} {}\n", words_of(name), text_of(name, value));
  }
  const auto print_list = [](const char* title, const std::vector<std::string>& sentences) {
    if (!sentences.empty()) fmt::print("\n{}\n", title);
    for (const std::string& sentence : sentences) fmt::print("  * {}.\n", sentence);
  };
  print_list("works, with less", report.degraded);
  print_list("does not work", report.problems);
  if (report.problems.empty())
    fmt::print("\n{}\n", report.degraded.empty() ? "All is well." : "Everything necessary works.");
}

void print_json(const MachineReport& report) {
  Json all = report.facts;
  all["degraded"] = report.degraded;
  all["problems"] = report.problems;
  fmt::print("{}\n", all.dump(2, ' ', false, Json::error_handler_t::replace));
}

int doctor(const DoctorFlags& flags) {
  MachineReport report = look_at_machine(flags.output);
  add_canary(report);
  flags.json ? print_json(report) : print_text(report);
  return report.problems.empty() ? kAllDone : kEnvironment;
}

}  // namespace

void add_doctor(CLI::App& program, Command& chosen) {
  const auto flags = std::make_shared<DoctorFlags>();
  CLI::App& app = *program.add_subcommand(
      "doctor",
      "Say what this machine offers, what is missing, and try everything inside the sandbox; exit 4 when "
      "something necessary fails");
  app.add_option("-o,--output", flags->output, "Look also at the folder that a run would write to")->type_name("DIR");
  app.add_flag("--json", flags->json, "One JSON object");
  app.callback([flags, &chosen] { chosen = [flags] { return doctor(*flags); }; });
}

}  // namespace tessera::pipeline
