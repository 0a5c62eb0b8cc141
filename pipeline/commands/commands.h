// The subcommands, one file each. Each adds itself to the program and returns its exit code through `code` when chosen.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace tessera::pipeline {

enum ExitCode : int {
  kAllDone = 0,
  kSomeFailed = 1,
  kUsage = 2,
  kNothingMatched = 3,
  kEnvironment = 4,
  kMismatch = 5,
  kSignalled = 128,  // and the signal's number
};

using Command = std::function<int()>;

/// Its exit code; what it throws becomes a sentence on stderr and one of the codes above.
int guarded(const Command&);

void add_run(CLI::App&, Command& chosen);
void add_plan(CLI::App&, Command& chosen);
void add_stages(CLI::App&, Command& chosen);
void add_info(CLI::App&, Command& chosen);
void add_verify(CLI::App&, Command& chosen);
void add_doctor(CLI::App&, Command& chosen);
void add_compare(CLI::App&, Command& chosen);

}  // namespace tessera::pipeline
