// Rows 39 and 40: workers that a file has taken over.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/faults/harness.h"

namespace tessera::tests {

TEST_CASE("row 39: a worker that says what it may not say is killed, and the batch goes on", "[faults]") {
  for (const std::string op : {"garbage", "oversize", "empty", "foreign"}) {
    Batch batch;
    batch.add_fault(op + "@decode");
    for (const Way& way : isolated_ways()) {
      INFO(op << " in " << way.name);
      check_batch(batch, way.flags, {"fault"}, {.reason = "crashed"});
    }
  }
}

TEST_CASE("row 39: an answer in the name of a worker's dead predecessor is not believed", "[faults]") {
  for (const Words& flags : {Words{"-j1"}, Words{"-j1", "--threads", "2"}}) {
    Batch batch;
    batch.add_fault("stale@decode");
    INFO(fmt::format("{}", fmt::join(flags, " ")));
    check_batch(batch, flags, {"fault"}, {.reason = "crashed"});
    CHECK(timing_of(batch.out(), "fault")["crashes"] == 2);
  }
}

// A worker that is shut in starts no thread: the one that writes on behind the answer exists without a sandbox only,
// where it stands for a worker that a file has taken over.
TEST_CASE("row 40: a worker that writes into its frame after it was handed over crashes nobody", "[faults]") {
  // The scribbled memory may be any later image's of the same worker: that one may be falsified, or fail. Nobody dies.
  for (const Words& flags : {Words{"-j2"}, Words{"-j2", "--threads", "2"}}) {
    Batch batch;
    batch.add_fault("scribble@decode 400x300");
    batch.clean();
    const Observed seen =
        run_watched(batch.words(flags + Words{"--tiling", "spread", "--band-rows", "32", "--sandbox", "off"}));
    INFO(seen.result.err);
    CHECK((seen.result.code == 0 || seen.result.code == 1));
    CHECK(rows_of(batch.out()).size() == kOrdinary + 1);
    for (const auto& row : timings_of(batch.out())) CHECK(row["crashes"] == 0);
    CHECK(leftovers(batch.out()).empty());
    for (const auto& [name, bytes] : tree(batch.out()))
      CHECK(read_picture(batch.out() + "/" + name).info().width > 0);  // complete
    // The thread did run: the picture is not what its file says.
    Batch honest;
    honest.add_fault("none@decode 400x300");
    check_batch(honest, flags + Words{"--tiling", "spread", "--band-rows", "32"}, {"fault"}, {.code = 0});
    if (row_of(batch.out(), "fault")["status"] == "done")
      CHECK((tree(batch.out()).at("fault.png") != tree(honest.out()).at("fault.png")));
  }
}

TEST_CASE("row 40: a worker that is shut in cannot write on behind its answer", "[faults]") {
  Batch batch;
  batch.add_fault("scribble@decode 400x300");
  for (const Way& way : isolated_ways())
    check_batch(batch, way.flags + Words{"--tiling", "spread", "--band-rows", "32"}, {"fault"},
                {.status = "failed", .reason = "exception", .words = {"Operation not permitted"}});
}

}  // namespace tessera::tests
