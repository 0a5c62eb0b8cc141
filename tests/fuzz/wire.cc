// Payloads, tables and metadata blocks as a worker that has been taken over might write them: checked, and then either
// refused or harmless. What is accepted is written again to the same.
#include "pipeline/wire.h"

#include <algorithm>
#include <stdexcept>

#include "pipeline/metadata_block.h"
#include "tests/fuzz/fuzz.h"

namespace tessera::fuzz {
using namespace pipeline;
namespace {

void read_table(workers::ReadBytes bytes) {
  try {
    const std::vector<std::byte> again = to_bytes(table_from(bytes));
    // The header's last word is not used.
    require(again.size() <= bytes.size() && std::equal(again.begin() + 16, again.end(), bytes.begin() + 16),
            "a table is written as it was read");
  } catch (const std::runtime_error&) {
    // no table
  }
}

void read_block(stages::ReadBytes bytes) {
  try {
    const stages::Metadata metadata = read_metadata(bytes);
    std::vector<std::byte> again(bytes.size());
    write_metadata(metadata, again);
    require(read_metadata(again) == metadata, "metadata is written as it was read");
    kept_metadata(metadata, {"exif", "icc"});
  } catch (const stages::ImageError&) {
    // damaged
  }
}

void read_failure(workers::ReadBytes bytes) {
  workers::Completion completion;
  std::copy_n(bytes.begin(), std::min(bytes.size(), completion.payload.size()), completion.payload.begin());
  const std::string sentence = failure_text(completion);
  require(!sentence.empty() &&
              std::ranges::none_of(sentence, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }),
          "a failure's sentence has no control characters");
}

}  // namespace
}  // namespace tessera::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = tessera::fuzz::bytes_of(data, size);
  tessera::fuzz::read_table(bytes);
  tessera::fuzz::read_block(bytes);
  tessera::fuzz::read_failure(bytes);
  return 0;
}
