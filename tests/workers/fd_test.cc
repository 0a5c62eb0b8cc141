#include "workers/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>

#include "tests/workers/support.h"

namespace tessera::workers {
namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST_CASE("a descriptor is closed once, by its last owner", "[workers]") {
  const testing::NothingLeft check;
  Fd first(::dup(2));
  const int number = first.get();
  Fd second = std::move(first);
  CHECK(!first);
  CHECK(is_open(number));
  Fd third(::dup(2));
  const int replaced = third.get();
  third = std::move(second);
  CHECK(!is_open(replaced));
  CHECK(third.get() == number);
  third.close();
  CHECK(!is_open(number));
}

TEST_CASE("a failed system call becomes an exception with its errno", "[workers]") {
  try {
    checked_fd(::open("/nowhere/at/all", O_RDONLY), "open of a test file");
    FAIL("nothing was thrown");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::no_such_file_or_directory);
    CHECK(std::string(error.what()).starts_with("open of a test file"));
  }
}

TEST_CASE("duplicates are close-on-exec, and none is left when one fails", "[workers]") {
  const testing::NothingLeft check;
  const auto copies = duplicate_all(std::array{1, 2});
  REQUIRE(copies.size() == 2);
  for (const Fd& copy : copies) CHECK((::fcntl(copy.get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK_THROWS_AS(duplicate_all(std::array{2, -1}), std::system_error);
}

}  // namespace
}  // namespace tessera::workers
