#include "pipeline/metadata_block.h"

#include <algorithm>
#include <cstring>

namespace tessera::pipeline {
using namespace stages;
namespace {
// Each entry: u32 name length, u32 value length, name, value. A zero name length ends the list.
constexpr std::uint64_t kEntryOverhead = 2 * sizeof(std::uint32_t) + 16;
constexpr std::uint64_t kMaxEntries = 16;
constexpr std::uint64_t kMaxName = 16;
}  // namespace

std::uint64_t metadata_block_bytes(const Header& header) {
  return header.metadata_bytes + kMaxEntries * kEntryOverhead + sizeof(std::uint32_t);
}

void write_metadata(const Metadata& metadata, WriteBytes block) {
  std::size_t at = 0;
  const auto put = [&](const void* data, std::size_t bytes) {
    if (block.size() - at < bytes) throw ImageError("its metadata is larger than the file's header announces");
    if (bytes > 0) std::memcpy(block.data() + at, data, bytes);  // an empty value may have no address
    at += bytes;
  };
  for (const auto& [name, value] : metadata) {
    const auto name_bytes = static_cast<std::uint32_t>(name.size());
    const auto value_bytes = static_cast<std::uint32_t>(value.size());
    put(&name_bytes, sizeof name_bytes);
    put(&value_bytes, sizeof value_bytes);
    put(name.data(), name.size());
    put(value.data(), value.size());
  }
  const std::uint32_t end = 0;
  put(&end, sizeof end);
}

Metadata read_metadata(ReadBytes block) {
  Metadata metadata;
  std::size_t at = 0;
  const auto take = [&](std::size_t bytes) {
    if (block.size() - at < bytes) throw ImageError("its metadata block is damaged");
    const ReadBytes part = block.subspan(at, bytes);
    at += bytes;
    return part;
  };
  const auto take_u32 = [&] {
    std::uint32_t value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  };
  while (const std::uint32_t name_bytes = take_u32()) {
    if (name_bytes > kMaxName || metadata.size() == kMaxEntries) throw ImageError("its metadata block is damaged");
    const std::uint32_t value_bytes = take_u32();
    const ReadBytes name = take(name_bytes), value = take(value_bytes);
    metadata.emplace_back(std::string(reinterpret_cast<const char*>(name.data()), name.size()),
                          std::vector<std::byte>(value.begin(), value.end()));
  }
  return metadata;
}

Metadata kept_metadata(const Metadata& metadata, const std::vector<std::string>& keep) {
  Metadata kept;
  std::ranges::copy_if(metadata, std::back_inserter(kept), [&](const auto& entry) {
    return entry.first == "density" || std::ranges::find(keep, entry.first) != keep.end();
  });
  return kept;
}

}  // namespace tessera::pipeline
