// What a job notes about itself while it runs, in one word (JobContext::step): the step in the low byte, the number of
// the recipe's stage that runs above it. Read after its worker's death, from memory that a worker that was taken over
// may have written: a hint for people, never a ground for a decision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/recipe.h"

namespace tessera::pipeline {

enum class JobStep : std::uint64_t { start = 1, probe, plan, decode, stages, measure, encode, finish };
std::string_view to_string(JobStep);

/// Steps whose time a job reports: probe .. finish.
constexpr std::size_t kPhases = 7;
/// "probe", "plan", ...: what traces call phase `index`.
std::string_view phase_name(std::size_t index);

/// `stage`: Step::number, 0 for none.
std::uint64_t breadcrumb_of(JobStep, std::uint32_t stage = 0);
JobStep step_of(std::uint64_t breadcrumb);

/// The recipe's stages are counted from 1: the common ones, then those of each output. nullptr: there is no such one.
const StageSpec* stage_at(const Recipe&, std::uint64_t number);

/// "stage 2 (sharpen)", or "" when none ran.
std::string stage_name(const Recipe&, std::uint64_t breadcrumb);

}  // namespace tessera::pipeline
