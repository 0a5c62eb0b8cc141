// What the kernel is told of inputs that come next.
#include "pipeline/readahead.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/pipeline/program.h"

namespace tessera::tests {
using namespace pipeline;

TEST_CASE("inputs are announced once, up to a number of bytes, until they are opened", "[readahead]") {
  const TemporaryFolder folder;
  std::vector<Input> inputs(3);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    inputs[i].index = i;
    inputs[i].path = folder / std::to_string(i);
    inputs[i].bytes = 1000;
    write_file(inputs[i].path, std::string(1000, 'x'));
  }
  Readahead readahead(1500);
  readahead.announce(inputs[0]);
  readahead.announce(inputs[0]);
  CHECK(readahead.bytes() == 1000);
  readahead.announce(inputs[1]);
  CHECK(readahead.bytes() == 1500);
  readahead.announce(inputs[2]);
  CHECK(readahead.bytes() == 1500);
  readahead.opened(inputs[0]);
  readahead.opened(inputs[2]);  // never announced
  CHECK(readahead.bytes() == 500);
}

TEST_CASE("only regular files are announced", "[readahead]") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  REQUIRE(::mkdir((folder / "folder").c_str(), 0700) == 0);
  Readahead readahead(1 << 20);
  std::uint64_t index = 0;
  for (const std::string name : {"pipe", "folder", "missing"}) {
    Input input;
    input.index = index++;
    input.path = folder / name;
    input.bytes = 1000;  // as somebody might have seen it before it was replaced
    readahead.announce(input);
    CHECK(readahead.bytes() == 0);
    readahead.opened(input);
  }
}

}  // namespace tessera::tests
