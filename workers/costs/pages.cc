#include "workers/costs/pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace tessera::workers::costs {
namespace {

Mapping without_huge_pages(Mapping mapping) {
  // EINVAL: this kernel has none.
  if (::madvise(mapping.data(), mapping.size(), MADV_NOHUGEPAGE) != 0 && errno != EINVAL)
    throw_errno("madvise(MADV_NOHUGEPAGE)");
  return mapping;
}

}  // namespace

Mapping private_pages(std::uint64_t bytes) {
  return without_huge_pages(Mapping(round_up_to_page(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE, -1));
}

Fd shared_file(std::uint64_t bytes) {
  Fd file = checked_fd(::memfd_create("tessera-costs", MFD_CLOEXEC), "memfd_create");
  if (::ftruncate(file.get(), static_cast<off_t>(round_up_to_page(bytes))) != 0) throw_errno("ftruncate of a memfd");
  return file;
}

Mapping shared_pages(std::uint64_t bytes, int fd) {
  return without_huge_pages(Mapping(round_up_to_page(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, fd));
}

void write_each_page(std::span<std::byte> memory, std::byte value) {
  volatile std::byte* const bytes = memory.data();
  for (std::size_t at = 0; at < memory.size(); at += page_bytes()) bytes[at] = value;
}

void read_each_page(std::span<const std::byte> memory) {
  const volatile std::byte* const bytes = memory.data();
  for (std::size_t at = 0; at < memory.size(); at += page_bytes()) static_cast<void>(bytes[at]);
}

}  // namespace tessera::workers::costs
