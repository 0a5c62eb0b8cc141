#include "stages/scratch.h"

#include <catch2/catch.hpp>
#include <cstring>

using namespace tessera::stages;

TEST_CASE("scratch is aligned, never moves and does not overlap", "[scratch]") {
  Scratch scratch;
  std::vector<WriteBytes> taken;
  for (const std::uint64_t bytes : {1ULL, 64ULL, 100ULL, 3'000'000ULL, 0ULL, 1'000'000ULL, 65ULL}) {
    taken.push_back(scratch.take(bytes));
    CHECK(taken.back().size() == bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(taken.back().data()) % 64 == 0);
    std::memset(taken.back().data(), static_cast<int>(taken.size()), bytes);
  }
  for (std::size_t i = 0; i < taken.size(); ++i)
    for (const std::byte b : taken[i])
      if (b != static_cast<std::byte>(i + 1)) FAIL("buffer " << i << " was overwritten");
}

TEST_CASE("a mark gives back what was taken after it, and memory is kept", "[scratch]") {
  Scratch scratch;
  const std::byte* before = scratch.take(100).data();
  const std::byte* first = nullptr;
  for (int round = 0; round < 50; ++round) {
    const Scratch::Mark outer(scratch);
    const std::byte* mine = scratch.take(700'000).data();
    if (!first) first = mine;
    CHECK(mine == first);
    {
      const Scratch::Mark inner(scratch);
      scratch.take(5'000'000);
    }
    scratch.take(5'000'000);
  }
  CHECK(before != first);
  CHECK(scratch.resident_bytes() < 8'000'000);
  scratch.shrink();
  CHECK(scratch.resident_bytes() == 0);
  CHECK(scratch.take(10).size() == 10);
}
