#include "workers/board.h"

#include <catch2/catch.hpp>

#include "workers/held_jobs.h"
#include "workers/window.h"

namespace tessera::workers {
namespace {

TEST_CASE("a cancelled job is seen through a read-only view, in its own window only", "[workers]") {
  const Windows windows(Backing::shared, 2, 1, 0);
  const Windows::View view = windows.map_for(1);
  const BoardReader reader(view.readable(kBoard), 2);
  HeldJobs held(BoardWriter(windows.board(), 2), 2, 3);
  for (const std::uint64_t id : {11U, 12U, 13U}) held.add(id);
  CHECK(held.cancel(12));
  CHECK(!held.cancel(14));
  CHECK(reader.is_cancelled(2, 12, 3));
  CHECK(!reader.is_cancelled(2, 11, 3));
  CHECK(!reader.is_cancelled(1, 12, 3));
}

TEST_CASE("a job that is done takes its cancellation with it", "[workers]") {
  const Windows windows(Backing::private_memory, 1, 1, 0);
  const BoardReader reader(windows.board(), 1);
  HeldJobs held(BoardWriter(windows.board(), 1), 1, 2);
  held.add(5);
  held.cancel(5);
  CHECK(held.remove(5));
  CHECK(!held.remove(5));
  CHECK(!held.remove(0));
  CHECK(!reader.is_cancelled(1, 5, 2));
  CHECK(held.size() == 0);
}

TEST_CASE("held jobs use the lowest free place", "[workers]") {
  const Windows windows(Backing::private_memory, 1, 1, 0);
  HeldJobs held(BoardWriter(windows.board(), 1), 1, 3);
  CHECK(held.add(21) == 0);
  CHECK(held.add(22) == 1);
  CHECK(held.add(23) == 2);
  held.remove(22);
  CHECK(held.add(24) == 1);
  CHECK(held.ids() == std::vector<std::uint64_t>{21, 24, 23});
}

}  // namespace
}  // namespace tessera::workers
