#include "pipeline/compare/fault_fate.h"

namespace tessera::pipeline {
namespace {

constexpr std::string_view kHung = "hung: ";  // as fault rows say it
constexpr double kNoise = 0.05;

bool hung(const Json& row) { return row.value("end", "").starts_with(kHung); }

}  // namespace

std::string fate_text(const Json& row) {
  if (row.at("survived") == true) return "survived";
  if (hung(row)) return "hung";
  return row.value("signal", Json()).is_number() ? "died" : "gave up";
}

std::string end_text(const Json& row) {
  const std::string end = row.value("end", "");
  if (hung(row)) return end.substr(kHung.size());
  return end == "exit code 1" ? end + ": some images failed" : end;
}

bool took_longer(const Json& row) {
  const double clean = row.at("clean_s"), recover = row.at("recover_s");
  return recover > 0 && recover >= kNoise * clean;
}

}  // namespace tessera::pipeline
