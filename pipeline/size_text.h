// Sizes, counts and times as people write them, and sizes as people read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/usage_error.h"

namespace tessera::pipeline {

/// Bytes: "4G", "512M", "1.5GiB" (powers of 1024: K M G T, with or without iB), "8MB" (powers of 1000), "1048576", and
/// "50%" of `total` if there is one. Upper or lower case, a blank before the unit allowed. Rounded down.
/// Throws UsageError("<where>: ...").
std::uint64_t parse_size(std::string_view text, std::string_view where, std::optional<std::uint64_t> total = {});

/// A number of things: "100M", "2.5k", "1000000"; powers of 1000. Throws UsageError.
std::uint64_t parse_count(std::string_view text, std::string_view where);

/// "30s", "500ms", "1m30s", "2h"; a number alone is seconds. Throws UsageError.
std::chrono::milliseconds parse_duration(std::string_view text, std::string_view where);

/// "8.1 MB", "412 KB", "999 B": powers of 1000, two significant digits below 10.
std::string format_bytes(std::uint64_t bytes);

}  // namespace tessera::pipeline
