#include "pipeline/console.h"

#include <csignal>

namespace tessera::pipeline {

void say(std::FILE* to, std::string_view text) noexcept {
  [[maybe_unused]] const auto written = std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
  std::clearerr(to);
}

void end_with_the_reader() noexcept { std::signal(SIGPIPE, SIG_DFL); }
void outlive_the_reader() noexcept { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace tessera::pipeline
