// Files go into the page cache and out of it, and we know how much of them is there.
#include <fcntl.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "pipeline/compare/page_cache.h"
#include "pipeline/environment_error.h"
#include "tests/pipeline/program.h"
#include "workers/fd.h"

namespace tessera::tests {
using namespace pipeline;

namespace {

/// Files in memory stay in memory.
bool on_a_disk(const std::string& folder) {
  constexpr long kTmpfs = 0x01021994, kOverlay = 0x794c7630;
  struct statfs status {};
  return statfs(folder.c_str(), &status) == 0 && status.f_type != kTmpfs && status.f_type != kOverlay;
}

}  // namespace

TEST_CASE("pictures are in the page cache once they were read, and out of it once it was dropped", "[compare]") {
  TemporaryFolder folder;
  const std::vector<std::string> paths{folder / "a", folder / "b"};
  for (const std::string& path : paths) write_file(path, std::string(1 << 20, 'x'));
  settle_writes(folder.path());
  warm_page_cache(paths);
  REQUIRE(resident_part(paths).has_value());
  CHECK(*resident_part(paths) == 1);
  if (!on_a_disk(folder.path())) return;
  drop_page_cache(paths);
  CHECK(*resident_part(paths) < 0.1);
  warm_page_cache({paths[0]});
  const double half = *resident_part(paths);
  CHECK(half > 0.4);
  CHECK(half < 0.6);
}

TEST_CASE("of no page and of no file nobody says that it is in the page cache", "[compare]") {
  TemporaryFolder folder;
  write_file(folder / "empty", "");
  CHECK_FALSE(resident_part({folder / "empty", folder / "missing"}).has_value());
  CHECK_THROWS_AS(warm_page_cache({folder / "missing"}), EnvironmentError);
  CHECK_THROWS_AS(settle_writes(folder / "missing"), EnvironmentError);
}

}  // namespace tessera::tests
