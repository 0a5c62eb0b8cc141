#include "stages/codecs/byte_io.h"

#include <algorithm>

namespace tessera::stages {

ReadBytes MemorySource::at(std::uint64_t offset, std::size_t bytes) {
  if (offset >= bytes_.size()) return {};
  return bytes_.subspan(offset, std::min<std::size_t>(bytes, bytes_.size() - offset));
}

void MemorySink::write_at(std::uint64_t offset, ReadBytes bytes) {
  if (offset + bytes.size() > bytes_.size()) bytes_.resize(offset + bytes.size());
  std::copy(bytes.begin(), bytes.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
}

}  // namespace tessera::stages
