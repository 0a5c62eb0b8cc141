// Bytes in memory as a source and as a sink of codecs. No file is opened here; those that read and write descriptors
// live with whoever owns the descriptors.
#pragma once

#include <vector>

#include "stages/codec.h"

namespace tessera::stages {

/// Lends from memory that somebody else owns; what at() returns stays valid as long as that memory.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(ReadBytes bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  ReadBytes at(std::uint64_t offset, std::size_t bytes) override;

 private:
  ReadBytes bytes_;
};

/// Grows as it is written; a gap that was jumped over reads as zero.
class MemorySink final : public ByteSink {
 public:
  void write_at(std::uint64_t offset, ReadBytes bytes) override;
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace tessera::stages
