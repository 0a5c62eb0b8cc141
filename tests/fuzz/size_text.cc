// Sizes, counts and times of the command line. What is accepted survives being written out in full.
#include "pipeline/size_text.h"

#include <optional>

#include "tests/fuzz/fuzz.h"

namespace tessera::fuzz {
using namespace pipeline;
namespace {

template <class Parse>
auto accepted(const Parse& parse) -> std::optional<decltype(parse())> {
  try {
    return parse();
  } catch (const UsageError&) {
    return std::nullopt;
  }
}

void read(std::string_view text) {
  constexpr std::uint64_t kTotal = 16ull << 30;
  const auto size = accepted([&] { return parse_size(text, "fuzz", kTotal); });
  if (size) {
    require(!text.ends_with('%') || *size <= kTotal, "a share is no more than everything");
    require(parse_size(std::to_string(*size), "fuzz") == *size, "a size in bytes is itself");
    const std::uint64_t read_back = parse_size(format_bytes(*size), "fuzz");
    require(read_back / 11 <= *size / 10 + 1 && *size / 11 <= read_back / 10 + 1, "people read about the same size");
  }
  if (const auto count = accepted([&] { return parse_count(text, "fuzz"); }))
    require(parse_count(std::to_string(*count), "fuzz") == *count, "a count is itself");
  if (const auto time = accepted([&] { return parse_duration(text, "fuzz"); })) {
    require(time->count() >= 0, "no time is negative");
    require(parse_duration(std::to_string(time->count()) + "ms", "fuzz") == *time, "a time in ms is itself");
  }
}

}  // namespace
}  // namespace tessera::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tessera::fuzz::read(tessera::fuzz::text_of(data, size));
  return 0;
}
