// Bump allocator for the short-lived buffers of one slot. Memory is kept between jobs, so pages stay warm; it grows by
// chunks and never moves what it gave out. Not thread-safe: one per slot.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "stages/image.h"

namespace tessera::stages {

/// Scratch rounds up to chunks and leaves the end of one unused when the next buffer does not fit: so much more than
/// the sum of what is taken becomes resident at most.
constexpr std::uint64_t kScratchSlackBytes = 1 << 20;

class Scratch {
 public:
  /// Uninitialised, 64-byte aligned, valid until the enclosing mark is released.
  WriteBytes take(std::uint64_t bytes);
  template <class T>
  std::span<T> take_array(std::uint64_t count) {
    return {reinterpret_cast<T*>(take(count * sizeof(T)).data()), count};
  }
  MutableView take_view(const ImageInfo&, const Region&);

  /// Everything taken after a Mark is given back when the Mark goes out of scope. Marks nest.
  class Mark {
   public:
    explicit Mark(Scratch& scratch) : scratch_(scratch), chunk_(scratch.chunk_), used_(scratch.used_) {}
    ~Mark() { scratch_.chunk_ = chunk_, scratch_.used_ = used_; }
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;

   private:
    Scratch& scratch_;
    std::size_t chunk_;
    std::uint64_t used_;
  };

  std::uint64_t resident_bytes() const;
  /// Frees all chunks. No Mark may be alive.
  void shrink();

 private:
  struct Chunk {
    std::unique_ptr<std::byte[], void (*)(void*)> memory;
    std::uint64_t bytes;
  };
  std::vector<Chunk> chunks_;
  std::size_t chunk_ = 0;   // the one being filled
  std::uint64_t used_ = 0;  // bytes used of it
};

}  // namespace tessera::stages
