// Rows 24-28 and 30: outputs that cannot be written, are there already, or are something else than they seem.
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>

#include "tests/faults/harness.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using Catch::Matchers::Contains;

TEST_CASE("row 24: an output whose bytes cannot be written is not published", "[faults]") {
  for (const std::string error : {"EIO", "EFBIG"})
    for (const Way& way : isolated_ways()) {
      Batch batch;
      batch.add_fault("none@decode");  // the first that is started, and so the first that writes
      batch.clean();
      const IoFault fault("pwrite:1:" + error + ":unnamed");
      fs::remove_all(batch.out());
      const Observed seen = run_watched(batch.words(way.flags));
      INFO(error << " in " << way.name << "\n" << seen.result.err);
      CHECK(seen.result.code == 1);
      int failed = 0;
      std::string victim;
      for (const auto& row : rows_of(batch.out()))
        if (row["status"] != "done") {
          ++failed;
          victim = fs::path(row["source"].get<std::string>()).filename().string();
          CHECK(row["status"] == "failed");
          CHECK_THAT(row["error_message"].get<std::string>(), Contains("the output cannot be written"));
          if (row.contains("reason")) CHECK(row["reason"] == "output");
        }
      REQUIRE(failed == 1);
      CHECK_FALSE(tree(batch.out()).contains(victim));
      check_invariant(batch, seen, {victim});
    }
}

TEST_CASE("row 24: a write that takes a part of its bytes is continued", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("none@decode");
    batch.clean();
    const IoFault fault("pwrite:1+:short:unnamed");
    check_batch(batch, way.flags, {"fault"}, {.code = 0});
  }
}

TEST_CASE("row 25: a folder that cannot be written is an error of the start", "[faults]") {
  Batch batch;
  for (const std::string& where : {std::string("/proc/nowhere"), std::string("/sys/kernel/out")}) {
    const ProgramResult result = run_program(Words{"run", batch.in(), "-o", where} + batch.job);
    INFO(result.err);
    CHECK(result.code == 4);
    CHECK_THAT(result.err, Contains("cannot create the output folder"));
  }
}

TEST_CASE("row 25: an output folder on a read-only file system is an error of the start", "[faults]") {
  Batch batch;
  if (!mount_small(batch.out(), "size=4m")) return;
  REQUIRE(mount("none", batch.out().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  const ProgramResult result = run_program(batch.words({}));
  INFO(result.err);
  CHECK(result.code == 4);
  CHECK_THAT(result.err, Contains("Read-only file system"));
  umount(batch.out().c_str());
}

TEST_CASE("row 25: an output folder that is removed in mid run stops the run", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("stop@decode");
    bool removed = false;
    const Observed seen = run_watched(batch.words(way.flags), 60, [&](Program& program) {
      const auto pid = stopped_worker(program);
      if (!pid) return;
      fs::remove_all(batch.out());
      removed = true;
      kill(*pid, SIGCONT);
    });
    INFO(way.name << "\n" << seen.result.err);
    CHECK(removed);
    CHECK(seen.result.code == 4);
    CHECK_FALSE(seen.result.err.empty());
  }
}

TEST_CASE("row 26: an output that appears in the meantime is never overwritten", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("stop@decode");
    batch.clean();
    const Observed seen = run_watched(batch.words(way.flags), 60, [&](Program& program) {
      const auto pid = stopped_worker(program);
      if (!pid) return;
      write_file(batch.out() + "/fault.png", "mine");
      kill(*pid, SIGCONT);
    });
    INFO(seen.result.err);
    CHECK(seen.result.code == 1);
    CHECK(row_of(batch.out(), "fault")["status"] == "failed");
    CHECK(read_file(batch.out() + "/fault.png") == "mine");
    fs::remove(batch.out() + "/fault.png");
    check_invariant(batch, seen, {"fault"});
  }
}

// The coordinator stops between its last look at the names and the links: now the files appear.
TEST_CASE("row 26: an output that appears at the very moment of its publication is never overwritten", "[faults]") {
  for (const char* policy : {"error", "skip"})
    for (const Way& way : isolated_ways()) {
      Batch batch;
      batch.add_fault("none@decode");
      batch.clean();
      std::vector<std::string> mine;
      const auto write_mine = [&](Program& program) {
        if (!is_stopped(program.pid())) return;
        for (const auto& entry : fs::directory_iterator(batch.in())) {
          mine.push_back(entry.path().filename());
          write_file(batch.out() + "/" + mine.back(), "mine");
        }
        kill(program.pid(), SIGCONT);
      };
      const Observed seen = [&] {
        const FaultAt at("publish.intended:1:stop");
        return run_watched(batch.words(way.flags + Words{"--on-exist", policy}), 60, write_mine);
      }();
      INFO(policy << " in " << way.name << "\n" << seen.result.err);
      CHECK(mine.size() == batch.inputs());
      CHECK(seen.result.code == 1);
      for (const std::string& name : mine) CHECK(read_file(batch.out() + "/" + name) == "mine");
      CHECK(tree(batch.out()).size() == mine.size());
      int raced = 0;
      for (const auto& row : rows_of(batch.out())) {
        CHECK((row["status"] == "failed" || row["status"] == (std::string(policy) == "skip" ? "skipped" : "failed")));
        const auto sentence = row["error_message"].get<std::string>();
        if (sentence.find("another file took that name in the meantime") == std::string::npos) continue;
        CHECK(row["reason"] == "output");
        ++raced;
      }
      CHECK(raced > 0);
      CHECK(rows_of(batch.out()).size() == batch.inputs());
      CHECK(leftovers(batch.out()).empty());
      for (const std::string& name : mine) fs::remove(batch.out() + "/" + name);
      check_resumed(batch, way.flags);
    }
}

TEST_CASE("row 27: an output that is a symbolic link is replaced, and what it points to is not touched", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.add_fault("none@decode");
    batch.clean();
    write_file(batch / "target.txt", "untouched");
    const Words words = batch.words(way.flags + Words{"--on-exist", "overwrite"});
    fs::create_directories(batch.out());
    fs::create_symlink(batch / "target.txt", batch.out() + "/fault.png");
    const Observed seen = run_watched(words);
    INFO(seen.result.err);
    CHECK(read_file(batch / "target.txt") == "untouched");
    const auto row = row_of(batch.out(), "fault");
    if (row["status"] == "done") {
      CHECK(seen.result.code == 0);
      CHECK(fs::is_regular_file(fs::symlink_status(batch.out() + "/fault.png")));
      check_invariant(batch, seen, {"fault"});
    } else {
      CHECK(seen.result.code == 1);  // refused, which is as good
    }
  }
}

TEST_CASE("row 27: a folder of the output that is a symbolic link out of it is not followed", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.clean();
    fs::create_directories(batch / "elsewhere");
    fs::create_directories(batch.out());
    fs::create_directory_symlink(batch / "elsewhere", batch.out() + "/sub");
    const Observed seen = run_watched(batch.words(way.flags + Words{"--template", "sub/{name}.{ext}"}));
    INFO(seen.result.err);
    CHECK((seen.result.code == 1 || seen.result.code == 2));
    CHECK(fs::is_empty(batch / "elsewhere"));
    CHECK(leftovers(batch.out()).empty());
  }
}

TEST_CASE("row 27: a template cannot leave the output folder", "[faults]") {
  Batch batch;
  for (const std::string name : {"../{name}.{ext}", "a/../../{name}.{ext}", "/tmp/{name}.{ext}"}) {
    const ProgramResult result = run_program(batch.words({"--template", name}));
    INFO(name << "\n" << result.err);
    CHECK((result.code == 1 || result.code == 2));
    CHECK((!fs::exists(batch.out()) || tree(batch.out()).empty()));
    CHECK_FALSE(fs::exists(batch / "p00.jpg"));
    CHECK_FALSE(fs::exists("/tmp/p00.jpg"));
    fs::remove_all(batch.out());
  }
}

TEST_CASE("row 28: two names of one file are both done", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.clean();
    fs::create_hard_link(batch.in() + "/p00.jpg", batch.in() + "/same.jpg");
    const std::string before = read_file(batch.in() + "/p00.jpg");
    check_batch(batch, way.flags, {"same"}, {.code = 0});
    CHECK(tree(batch.out()).at("same.jpg") == tree(batch.out()).at("p00.jpg"));
    CHECK(read_file(batch.in() + "/p00.jpg") == before);
  }
}

TEST_CASE("row 28: an output that is another name of its input does not harm the input", "[faults]") {
  struct Policy {
    const char *name, *status;
    int code;
  };
  for (const auto& [policy, status, code] : {Policy{"error", "", 2}, Policy{"skip", "skipped", 0},
                                             Policy{"overwrite", "failed", 1}, Policy{"newer", "skipped", 0}})
    for (const Way& way : isolated_ways()) {
      Batch batch;
      batch.clean();
      fs::create_directories(batch.out());
      const std::string input = batch.in() + "/p00.jpg", output = batch.out() + "/p00.jpg";
      fs::create_hard_link(input, output);
      const std::string before = read_file(input);
      const Observed seen = run_watched(batch.words(way.flags + Words{"--on-exist", policy}));
      INFO(policy << " in " << way.name << "\n" << seen.result.err);
      CHECK(seen.result.code == code);
      CHECK(read_file(input) == before);
      CHECK(fs::equivalent(input, output));
      if (code == 2) {
        CHECK(tree(batch.out()).size() == 1);  // found before the start
        continue;
      }
      CHECK(row_of(batch.out(), "p00")["status"] == status);
      fs::remove(output);
      check_invariant(batch, seen, {"p00"});
    }
}

TEST_CASE("row 28: an output that is a symbolic link to its input does not harm the input", "[faults]") {
  for (const std::string policy : {"error", "skip", "overwrite", "newer"}) {
    Batch batch;
    batch.clean();
    fs::create_directories(batch.out());
    const std::string input = batch.in() + "/p00.jpg";
    fs::create_symlink(input, batch.out() + "/p00.jpg");
    const std::string before = read_file(input);
    const Observed seen = run_watched(batch.words(processes().flags + Words{"--on-exist", policy}));
    INFO(policy << "\n" << seen.result.err);
    CHECK(seen.result.code >= 0);
    CHECK(seen.result.code <= 2);
    CHECK(fs::is_regular_file(fs::symlink_status(input)));
    CHECK(read_file(input) == before);
  }
}

TEST_CASE("row 30: two inputs with one output name are found before the start", "[faults]") {
  Batch batch;
  batch.add("p01.jpg", read_file(batch.in() + "/p00.jpg"));
  for (const Words& flags : {Words{"-f", "png"}, Words{"--resume", "-f", "png"},
                             Words{"--on-exist", "overwrite", "-f", "png"}, Words{"--template", "same.png"}}) {
    const ProgramResult result = run_program(batch.words(flags));
    INFO(fmt::format("{}\n{}", fmt::join(flags, " "), result.err));
    CHECK(result.code == 2);
    CHECK_THAT(result.err, Contains("would both be written to"));
    if (flags.front() != "--template") CHECK_THAT(result.err, Contains("p01.jpg") && Contains("p01.png"));
    CHECK_FALSE(fs::exists(batch.out()));
  }
}

TEST_CASE("row 30: two inputs whose names turn out to be one after decoding make one output, and the other fails",
          "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.clean();
    write_file(batch.in() + "/copy.jpg", read_file(batch.in() + "/p00.jpg"));
    const Observed seen = run_watched(batch.words(way.flags + Words{"--template", "{hash8}.{ext}"}));
    INFO(seen.result.err);
    CHECK(seen.result.code == 1);
    CHECK(tree(batch.out()).size() == kOrdinary);
    CHECK(rows_of(batch.out()).size() == kOrdinary + 1);
    std::map<std::string, int> ends;
    for (const char* twin : {"copy.jpg", "p00.jpg"}) ++ends[row_of(batch.out(), twin)["status"]];
    CHECK(ends == std::map<std::string, int>{{"done", 1}, {"failed", 1}});
    CHECK(leftovers(batch.out()).empty());
  }
}

}  // namespace tessera::tests
