// What is kept of a job that ended badly: enough to see why, and to see it again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tessera::pipeline {

struct FailureBundle {
  std::int32_t signal = 0;     // that its worker died of; 0: none
  std::string step;            // "decoding"
  std::string stage;           // the stage that ran then; "" if none did
  std::string output;          // the last of what its worker wrote to stdout and stderr, escaped
  std::string command;         // one line that runs this input again
  std::uint32_t attempts = 0;  // jobs that were started for it
};

/// One word for a POSIX shell, or for bash where the text holds bytes that would not survive on a line: $'a\x0ab'.
std::string shell_quoted(std::string_view);
/// The same where quotes are needed, else the word as it is.
std::string shell_word(std::string_view);

/// The command that runs one input again with the recipe that a run keeps in its output folder. `flags`: of that run,
/// what may matter for its end; they stand as they are.
std::string command_again(std::string_view output_folder, std::string_view recipe_hash8, std::string_view flags,
                          std::string_view input);

/// What stands beside a quarantined input, for people.
std::string to_text(const FailureBundle&, std::string_view input, std::string_view sentence);

}  // namespace tessera::pipeline
