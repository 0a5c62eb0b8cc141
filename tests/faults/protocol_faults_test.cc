// Rows 39 and 40: workers that a file has taken over.
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/faults/harness.h"

namespace tessera::tests {

TEST_CASE("row 39: a worker that says what it may not say is killed, and the batch goes on", "[faults]") {
  for (const std::string op : {"garbage", "oversize", "empty", "stale", "foreign"}) {
    Batch batch;
    batch.add_fault(op + "@decode");
    for (const Way& way : isolated_ways()) {
      INFO(op << " in " << way.name);
      check_batch(batch, way.flags, {"fault"}, {.reason = "crashed"});
    }
  }
}

TEST_CASE("row 40: a worker that writes into its frame after it was handed over crashes nobody", "[faults]") {
  // The scribbled memory may be any later image's of the same worker: that one may be falsified, or fail. Nobody dies.
  for (const Words& flags : {Words{"-j2"}, Words{"-j2", "--threads", "2"}}) {
    Batch batch;
    batch.add_fault("scribble@decode 400x300");
    batch.clean();
    const Observed seen = run_watched(batch.words(flags + Words{"--tiling", "spread", "--band-rows", "32"}));
    INFO(seen.result.err);
    CHECK((seen.result.code == 0 || seen.result.code == 1));
    CHECK(rows_of(batch.out()).size() == kOrdinary + 1);
    for (const auto& row : timings_of(batch.out())) CHECK(row["crashes"] == 0);
    CHECK(leftovers(batch.out()).empty());
    for (const auto& [name, bytes] : tree(batch.out()))
      CHECK(read_picture(batch.out() + "/" + name).info().width > 0);  // complete
  }
}

}  // namespace tessera::tests
