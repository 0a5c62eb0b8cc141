#include "workers/mapping.h"

#include <sys/mman.h>
#include <unistd.h>

#include "workers/fd.h"

namespace tessera::workers {

Mapping::Mapping(std::size_t bytes, int protection, int flags, int fd) : bytes_(bytes) {
  void* const data = ::mmap(nullptr, bytes, protection, flags | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
  if (data == MAP_FAILED) throw_errno("mmap");
  data_ = static_cast<std::byte*>(data);
}

void Mapping::unmap() noexcept {
  if (data_ != nullptr) ::munmap(data_, bytes_);
  data_ = nullptr;
  bytes_ = 0;
}

std::uint64_t page_bytes() {
  static const auto bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

std::uint64_t round_up_to_page(std::uint64_t bytes) { return (bytes + page_bytes() - 1) / page_bytes() * page_bytes(); }

}  // namespace tessera::workers
