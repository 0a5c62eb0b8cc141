#include "pipeline/breadcrumb.h"

#include <fmt/format.h>

#include <array>

namespace tessera::pipeline {
namespace {
constexpr int kStepBits = 8;
}

std::string_view to_string(JobStep step) {
  switch (step) {
    case JobStep::start:
      return "starting";
    case JobStep::probe:
      return "reading the header";
    case JobStep::plan:
      return "planning";
    case JobStep::decode:
      return "decoding";
    case JobStep::stages:
      return "running the stages";
    case JobStep::measure:
      return "measuring";
    case JobStep::encode:
      return "encoding";
    case JobStep::finish:
      return "finishing";
  }
  return "an unknown step";
}

std::string_view phase_name(std::size_t index) {
  static constexpr std::array<std::string_view, kPhases> kNames{"probe",   "plan",   "decode", "stages",
                                                                "measure", "encode", "finish"};
  return kNames.at(index);
}

std::uint64_t breadcrumb_of(JobStep step, std::uint32_t stage) {
  return static_cast<std::uint64_t>(step) | std::uint64_t{stage} << kStepBits;
}

JobStep step_of(std::uint64_t breadcrumb) { return static_cast<JobStep>(breadcrumb & ((1U << kStepBits) - 1)); }

const StageSpec* stage_at(const Recipe& recipe, std::uint64_t number) {
  if (number == 0) return nullptr;
  std::uint64_t index = number - 1;
  if (index < recipe.common.size()) return &recipe.common[index];
  index -= recipe.common.size();
  for (const OutputSpec& output : recipe.outputs) {
    if (index < output.stages.size()) return &output.stages[index];
    index -= output.stages.size();
  }
  return nullptr;
}

std::string stage_name(const Recipe& recipe, std::uint64_t breadcrumb) {
  const std::uint64_t number = breadcrumb >> kStepBits;
  const StageSpec* stage = stage_at(recipe, number);
  return stage ? fmt::format("stage {} ({})", number, stage->op) : std::string();
}

}  // namespace tessera::pipeline
