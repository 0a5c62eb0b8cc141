// A stage on one line, as after -s: "resize 1600x1600> filter=lanczos3". Only splits text: whether the stage and its
// parameters exist is make_stage_spec's business (recipe.h).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stages/values.h"

namespace tessera::pipeline {

struct StageText {
  std::string op;
  std::vector<stages::Values::Pair> pairs;  // the first value may be unnamed: its name is then empty
  bool operator==(const StageText&) const = default;
};

/// Words are separated by blanks. In '...' everything stands for itself; in "..." and outside quotes a backslash makes
/// the next byte stand for itself. A word with an unquoted = after a parameter name is name=value; one value may go
/// without a name may come first. Throws UsageError without a place: "the quote ' is not closed".
StageText parse_stage_text(std::string_view text);

/// The words of a command line as a shell would split it, by the same rules for quotes and backslashes; nothing is
/// expanded. Throws UsageError("<where>: ...").
std::vector<std::string> split_words(std::string_view text, std::string_view where);

/// The line that parses back to `stage`, quoted only where needed.
std::string to_stage_text(std::string_view op, std::span<const stages::Values::Pair> pairs);

}  // namespace tessera::pipeline
