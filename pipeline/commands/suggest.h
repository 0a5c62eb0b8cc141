// What a mistyped option or subcommand was probably meant to be.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace tessera::pipeline {

/// "did you mean '--resize'?" or "".
std::string suggestion(const CLI::App& program, int argc, const char* const* argv);

}  // namespace tessera::pipeline
