// Printing that never ends a batch: whoever read stdout or stderr may be gone, and the pictures do not care.
#pragma once

#include <cstdio>
#include <string_view>

namespace tessera::pipeline {

/// Writes and flushes. Errors are ignored.
void say(std::FILE*, std::string_view) noexcept;

/// A reader that is gone ends this process without a word: right for commands that only print.
void end_with_the_reader() noexcept;
/// ... and changes nothing, where there is other work to do.
void outlive_the_reader() noexcept;

}  // namespace tessera::pipeline
