#include "workers/mapping.h"

#include <sys/mman.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <system_error>

namespace tessera::workers {
namespace {

bool is_mapped(const void* data) {
  unsigned char flags = 0;
  return ::mincore(const_cast<void*>(data), 1, &flags) == 0 || errno != ENOMEM;
}

TEST_CASE("a mapping goes with its owner, and move-assignment lets go of the old one first", "[workers]") {
  const std::size_t page = page_bytes();
  Mapping first(page, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
  Mapping second(4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
  const std::byte* const data = second.data();
  second.bytes()[4 * page - 1] = std::byte{7};
  first = std::move(second);
  CHECK(second.data() == nullptr);
  CHECK(first.data() == data);
  CHECK(first.size() == 4 * page);
  CHECK(first.bytes()[4 * page - 1] == std::byte{7});
  first.unmap();
  CHECK(!is_mapped(data));
}

TEST_CASE("a mapping that cannot be made is an exception", "[workers]") {
  CHECK_THROWS_AS(Mapping(0, PROT_READ, MAP_PRIVATE, -1), std::system_error);
}

TEST_CASE("sizes are rounded up to pages", "[workers]") {
  const std::uint64_t page = page_bytes();
  CHECK(round_up_to_page(0) == 0);
  CHECK(round_up_to_page(1) == page);
  CHECK(round_up_to_page(page) == page);
  CHECK(round_up_to_page(page + 1) == 2 * page);
}

}  // namespace
}  // namespace tessera::workers
