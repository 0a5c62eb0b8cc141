#include "workers/window.h"

#include <sys/mman.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>

#include "tests/workers/support.h"
#include "workers/board.h"

namespace tessera::workers {
namespace {

const std::uint64_t kPage = page_bytes();

TEST_CASE("a window costs nothing until it is touched, and punching gives its pages back", "[workers]") {
  const testing::NothingLeft check;
  const Backing backing = GENERATE(Backing::shared, Backing::private_memory);
  const Windows windows(backing, 2, std::uint64_t{1} << 30, 1 << 20);
  CHECK(windows.capacity(1) == std::uint64_t{1} << 30);
  CHECK(windows.resident_bytes(1) == 0);
  const Windows::View view = windows.map_for(1);
  const WriteBytes own = view.writable(1);
  REQUIRE(own.size() == windows.capacity(1));
  std::memset(own.data() + 5 * kPage, 0x5A, 4 * kPage);
  CHECK(windows.resident_bytes(1) == 4 * kPage);
  windows.punch(1, 6 * kPage, 2 * kPage);
  CHECK(windows.resident_bytes(1) == 2 * kPage);
  CHECK(own[5 * kPage] == std::byte{0x5A});
  CHECK(own[6 * kPage] == std::byte{0});
  CHECK(own[8 * kPage] == std::byte{0x5A});
  CHECK(windows.resident_bytes(2) == 0);
}

TEST_CASE("peek reads without mapping, across pages", "[workers]") {
  const Backing backing = GENERATE(Backing::shared, Backing::private_memory);
  const Windows windows(backing, 1, 4 * kPage, 0);
  const Windows::View view = windows.map_for(1);
  view.writable(1)[kPage - 1] = std::byte{1};
  view.writable(1)[kPage] = std::byte{2};
  std::array<std::byte, 3> seen{};
  windows.peek(1, kPage - 1, seen);
  CHECK(seen == std::array{std::byte{1}, std::byte{2}, std::byte{0}});
}

TEST_CASE("a view may write its own window only, and sees what others write", "[workers]") {
  const Windows windows(Backing::shared, 2, 4 * kPage, kPage);
  const Windows::View first = windows.map_for(1), second = windows.map_for(2), nobody = windows.map_for(0);
  CHECK(first.writable(1).size() == 4 * kPage);
  for (const std::uint32_t window : {kBoard, 2U}) CHECK(first.writable(window).empty());
  for (const std::uint32_t window : {0U, 1U, 2U}) CHECK(nobody.writable(window).empty());
  first.writable(1)[7] = std::byte{9};
  windows.board()[windows.capacity(kBoard) - 1] = std::byte{8};
  CHECK(second.readable(1)[7] == std::byte{9});
  CHECK(second.readable(kBoard).back() == std::byte{8});
}

TEST_CASE("a read-only mapping cannot be made writable", "[workers]") {
  const Windows windows(Backing::shared, 2, 4 * kPage, kPage);
  const Windows::View view = windows.map_for(1);
  for (const std::uint32_t window : {kBoard, 2U}) {
    const ReadBytes bytes = view.readable(window);
    CHECK(::mprotect(const_cast<std::byte*>(bytes.data()), kPage, PROT_READ | PROT_WRITE) == -1);
    CHECK(errno == EACCES);
  }
}

TEST_CASE("the board begins with its header, and generations start at 1", "[workers]") {
  const Backing backing = GENERATE(Backing::shared, Backing::private_memory);
  const Windows windows(backing, 3, kPage, 1);
  CHECK(windows.capacity(kBoard) == board_header_bytes(3) + kPage);
  const BoardReader board(windows.board(), 3);
  for (std::uint32_t window = 0; window <= 3; ++window) CHECK(board.generation(window) == 1);
}

TEST_CASE("64 large windows are made and mapped, and nothing of them stays", "[workers]") {
  const testing::NothingLeft check;
  const Windows windows(Backing::shared, 64, std::uint64_t{1} << 30, 1 << 20);
  const Windows::View view = windows.map_for(64);
  CHECK(view.count() == 64);
  CHECK(view.writable(64).size() == std::uint64_t{1} << 30);
}

}  // namespace
}  // namespace tessera::workers
