// Rows 23, 24, 32, 33 and 37: what a run leaves when the disk or the coordinator gives out, and what --resume makes of
// it: the tree of a run that nothing happened to.
#include <fmt/format.h>
#include <sys/mount.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/faults/harness.h"

namespace tessera::tests {
namespace fs = std::filesystem;

namespace {

// Whatever is published is complete, as far as the ordinary pictures go.
void check_whole_files(Batch& batch) {
  if (!fs::exists(batch.out())) return;
  for (const auto& [name, bytes] : tree(batch.out()))
    if (batch.clean().contains(name)) CHECK((bytes == batch.clean().at(name)));
}

}  // namespace

TEST_CASE("row 23: a full disk stops the run, and resuming completes it once there is room", "[faults]") {
  Batch batch;
  batch.job = {"--resize", "900x900!", "-f", "png"};
  batch.clean();
  if (!mount_small(batch.out(), "size=2m")) return;
  for (const Way& way : isolated_ways()) {
    const Observed seen = run_watched(batch.words(way.flags));
    INFO(way.name << "\n" << seen.result.err);
    CHECK(seen.result.code == 4);
    // The picture or the journal meets the full disk first.
    CHECK_THAT(seen.result.err,
               Catch::Matchers::Contains("No space left") || Catch::Matchers::Contains("disk is full"));
    check_whole_files(batch);
    REQUIRE(mount("none", batch.out().c_str(), nullptr, MS_REMOUNT, "size=200m") == 0);
    check_resumed(batch, way.flags);
    for (const auto& entry : fs::directory_iterator(batch.out())) fs::remove_all(entry.path());
    REQUIRE(mount("none", batch.out().c_str(), nullptr, MS_REMOUNT, "size=2m") == 0);
  }
  umount(batch.out().c_str());
}

TEST_CASE("row 23: a disk that is full at the link or at the sync stops the run, and resuming completes it",
          "[faults]") {
  for (const std::string plan : {"linkat:3+:ENOSPC", "fsync:2+:ENOSPC:unnamed"})
    for (const Way& way : isolated_ways()) {
      Batch batch;
      batch.clean();
      INFO(plan << " in " << way.name);
      {
        const IoFault fault(plan);
        const Observed seen = run_watched(batch.words(way.flags + Words{"--fsync"}));
        INFO(seen.result.err);
        CHECK((seen.result.code == 4 || seen.result.code == 1));
        check_whole_files(batch);
        CHECK(tree(batch.out()).size() < kOrdinary);
      }
      check_resumed(batch, way.flags + Words{"--fsync"});
    }
}

TEST_CASE("row 24: an output that cannot be synced or meets a quota is not published", "[faults]") {
  for (const std::string plan : {"fsync:1:EIO:unnamed", "pwrite:1:EDQUOT:unnamed"})
    for (const Way& way : isolated_ways()) {
      Batch batch;
      batch.clean();
      INFO(plan << " in " << way.name);
      {
        const IoFault fault(plan);
        const Observed seen = run_watched(batch.words(way.flags + Words{"--fsync"}));
        INFO(seen.result.err);
        CHECK((seen.result.code == 4 || seen.result.code == 1));
        check_whole_files(batch);
        CHECK(tree(batch.out()).size() < kOrdinary);
      }
      check_resumed(batch, way.flags + Words{"--fsync"});
    }
}

TEST_CASE("row 32: a disk that is full for the journal stops the run, and resuming completes it", "[faults]") {
  for (const int turn : {6, 12}) {
    Batch batch;
    batch.clean();
    {
      const IoFault fault(fmt::format("pwrite:{}+:ENOSPC:journal", turn));
      const Observed seen = run_watched(batch.words({"-j2"}));
      INFO(turn << "\n" << seen.result.err);
      CHECK(seen.result.code == 4);
      CHECK_THAT(seen.result.err, Catch::Matchers::Contains("journal"));
      check_whole_files(batch);
    }
    check_resumed(batch, {"-j2"});
  }
}

TEST_CASE("row 32: what is intended is on the disk before it has a name, without --fsync as well", "[faults]") {
  Batch batch;
  batch.clean();
  {
    const IoFault fault("fsync:1+:EIO:journal");
    const Observed seen = run_watched(batch.words({"-j2"}));
    INFO(seen.result.err);
    CHECK(seen.result.code == 4);
    CHECK(tree(batch.out()).empty());
  }
  check_resumed(batch, {"-j2"});
}

TEST_CASE("row 37: going on with --fsync brings to the disk what an earlier session left to the system", "[faults]") {
  Batch batch;
  batch.clean();
  REQUIRE(run_watched(batch.words({"-j2"})).result.code == 0);
  {
    const IoFault fault("fsync:1+:EIO:/p05");
    const Observed seen = run_watched(batch.words({"-j2", "--resume", "--fsync"}));
    INFO(seen.result.err);
    CHECK(seen.result.code == 4);
    CHECK_THAT(seen.result.err, Catch::Matchers::Contains("p05"));
  }
  check_resumed(batch, {"-j2", "--fsync"});
}

TEST_CASE("row 32: a journal that was torn off is recovered", "[faults]") {
  for (const bool cut : {true, false}) {
    Batch batch;
    batch.clean();
    {
      const FaultAt at("publish.closed:6");
      CHECK(run_watched(batch.words({"-j2"})).result.code == 128 + SIGKILL);
    }
    const std::string wal = batch.out() + "/.tessera/journal.sqlite-wal";
    if (fs::exists(wal)) {
      if (cut)
        fs::resize_file(wal, fs::file_size(wal) * 2 / 3);
      else
        std::ofstream(wal, std::ios::app) << std::string(3000, 'x');
    }
    check_resumed(batch, {"-j2"});
  }
}

TEST_CASE("row 33: the coordinator killed between intent, link and close leaves each item counted once", "[faults]") {
  for (const std::string point :
       {"publish.before_intent", "publish.intended", "publish.linked", "publish.before_close", "publish.closed"})
    for (const Way& way : isolated_ways()) {
      // Groups are closed every 50 ms: with these there are two of them at least, and many items.
      const bool of_group = point == "publish.before_intent" || point == "publish.intended";
      const std::uint64_t turn = of_group ? 2 : 9;
      Batch batch;
      batch.add_fault("sleep@decode:300");
      batch.clean();
      INFO(fmt::format("{} passed for the {}. time in {}", point, turn, way.name));
      {
        const FaultAt at(fmt::format("{}:{}", point, turn));
        const Observed seen = run_watched(batch.words(way.flags));
        CHECK(seen.result.code == 128 + SIGKILL);
        CHECK(at.passed() == turn);
        check_whole_files(batch);
      }
      check_resumed(batch, way.flags);
    }
}

// Thirty random moments: tests/pipeline/resume_test.cc.
TEST_CASE("row 37: the coordinator killed at any step leaves no orphan, and resuming gives the same tree", "[faults]") {
  for (const std::string at_point : {"run.opened:1", "run.forked:1", "dispatch.started:1", "dispatch.started:7",
                                     "publish.linked:5", "manifest.before:1", "journal.closed:1"})
    for (const Way& way : isolated_ways()) {
      Batch batch;
      batch.clean();
      INFO(at_point << " in " << way.name);
      {
        const FaultAt at(at_point);
        CHECK(run_watched(batch.words(way.flags)).result.code == 128 + SIGKILL);
        check_whole_files(batch);
      }
      check_resumed(batch, way.flags);
    }
}

}  // namespace tessera::tests
