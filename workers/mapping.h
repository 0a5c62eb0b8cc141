// A memory mapping with exactly one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace tessera::workers {

class Mapping {
 public:
  Mapping() = default;
  /// mmap; throws std::system_error. fd -1: anonymous.
  Mapping(std::size_t bytes, int protection, int flags, int fd);
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    if (this != &other) {
      unmap();
      data_ = std::exchange(other.data_, nullptr);
      bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
  }
  ~Mapping() { unmap(); }

  std::byte* data() const { return data_; }
  std::size_t size() const { return bytes_; }
  std::span<std::byte> bytes() const { return {data_, bytes_}; }
  void unmap() noexcept;

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

std::uint64_t page_bytes();
std::uint64_t round_up_to_page(std::uint64_t bytes);

}  // namespace tessera::workers
