#include <fmt/format.h>

#include <exception>

#include "pipeline/commands/commands.h"
#include "pipeline/console.h"
#include "pipeline/usage_error.h"

namespace tessera::pipeline {

int guarded(const Command& command) {
  try {
    return command();
  } catch (const UsageError& e) {
    say(stderr, fmt::format("tessera: {}\n", e.what()));
    return kUsage;
  } catch (const std::exception& e) {
    say(stderr, fmt::format("tessera: {}\n", e.what()));
    return kEnvironment;
  }
}

}  // namespace tessera::pipeline
