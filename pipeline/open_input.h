// Opening inputs: what it means when one cannot be opened, and what it is like when it can.
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/wire.h"

namespace tessera::pipeline {

/// `error`: errno of open().
FailReason reason_of_open(int error);
std::string sentence_of_open(int error);
/// For a path of which only a sentence is known: looks again.
FailReason reason_of_path(const std::string& path);

/// Size and modification time of an open file, as they are now.
void look_at_input(int fd, std::uint64_t& bytes, std::int64_t& modified_ns);

}  // namespace tessera::pipeline
