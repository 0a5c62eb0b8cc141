#include "pipeline/compare/document.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "pipeline/compare/machine.h"
#include "pipeline/failure.h"
#include "pipeline/printable.h"
#include "pipeline/usage_error.h"

namespace tessera::pipeline {
namespace {

constexpr std::array<const char*, 4> kSections{"runs", "costs", "faults", "balance"};

std::string quoted(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + shell_word(word);
  return line;
}

bool is_count(const Json& value) { return value.is_number_unsigned() || (value.is_number_integer() && value >= 0); }

}  // namespace

Json new_document(const std::vector<std::string>& command, std::uint64_t seed) {
  return {{"schema", "tessera-compare"},
          {"version", kDocumentVersion},
          {"program", "tessera " TESSERA_VERSION},
          {"created", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
          {"command", printable(quoted(command))},
          {"seed", seed},
          {"machine", machine_section()},
          {"notes", Json::array()}};
}

void finish_document(Json& document) {
  Json& machine = document.at("machine");
  machine["mhz_after"] = processor_mhz();
  machine["load_after"] = load_average();
}

Json to_json(const Summary& summary) {
  return {{"n", summary.n},     {"median", summary.median}, {"mean", summary.mean}, {"sigma", summary.sigma},
          {"min", summary.min}, {"max", summary.max},       {"low", summary.low},   {"high", summary.high}};
}

void check_document(const Json& document, const std::string& file) {
  const auto refuse = [&](const std::string& why) {
    throw UsageError(
        fmt::format("{} is no comparison: {} (tessera compare --export-json writes one)", printable(file), why));
  };
  if (!document.is_object()) refuse("it holds no JSON object");
  if (!document.contains("schema") || document["schema"] != "tessera-compare")
    refuse("its \"schema\" is not \"tessera-compare\"");
  if (!document.contains("version") || !is_count(document["version"])) refuse("it has no \"version\"");
  if (document["version"] > kDocumentVersion)
    throw UsageError(fmt::format("{} was written by a newer tessera: version {} of the document, this one reads {}",
                                 printable(file), document["version"].dump(), kDocumentVersion));
  for (const char* const name : {"program", "created", "command"})
    if (!document.contains(name) || !document[name].is_string()) refuse(fmt::format("it has no \"{}\"", name));
  if (!document.contains("seed") || !is_count(document["seed"])) refuse("it has no \"seed\"");
  if (!document.contains("machine") || !document["machine"].is_object()) refuse("it has no \"machine\"");
  if (!document.contains("notes") || !document["notes"].is_array()) refuse("it has no \"notes\"");
  if (std::ranges::none_of(kSections,
                           [&](const char* name) { return document.contains(name) && document[name].is_object(); }))
    refuse(fmt::format("it has none of the sections {}", fmt::join(kSections, ", ")));
}

}  // namespace tessera::pipeline
