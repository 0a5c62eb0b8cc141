// What is kept of a crash, from the journal to the command that shows it again; and the innocents that were near.
#include <fmt/format.h>

#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "pipeline/database.h"
#include "tests/faults/harness.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using Catch::Matchers::Contains;

namespace {

struct Bundle {
  std::int64_t signal = 0, attempts = 0;
  std::string step, stage, output, command;
};

Bundle bundle_of(const std::string& out, const std::string& source) {
  pipeline::Database journal(out + "/.tessera/journal.sqlite");
  pipeline::Statement find(
      journal, "SELECT signal, attempts, step, stage, output, command FROM item WHERE source=? AND failed=1");
  find.bind_blob(source);
  REQUIRE(find.step());
  return {find.column(0), find.column(1), find.bytes(2), find.bytes(3), find.bytes(4), find.bytes(5)};
}

std::string with(std::string text, const std::string& old, const std::string& fresh) {
  const auto at = text.find(old);
  INFO(text);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old.size(), fresh);
}

// Runs the command as somebody would who took it from the report: through a shell, from another folder.
ProgramResult run_in_bash(const std::string& command, const std::string& folder) {
  write_file(folder + "/again.sh", command);
  const std::string path = fs::path(TESSERA_PROGRAM).parent_path().string();
  const int status = std::system(
      fmt::format("cd / && PATH='{}':\"$PATH\" bash '{}/again.sh' >'{}/said' 2>&1", path, folder, folder).c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, "", read_file(folder + "/said")};
}

}  // namespace

TEST_CASE("a crash in a stage leaves its signal, step, stage, last words and a command that shows it again",
          "[faults]") {
  const std::string name = "it's\n\xff a picture.png";
  for (const Way& way : isolated_ways_and_spread()) {
    Batch batch;
    batch.job = {"-s", "sharpen amount=0.5", "-s", "fault cry_segv width=333 y=100", "--resize", "40x40"};
    write_picture(batch.in() + "/" + name, some_picture(333, 222, 99), "png");
    INFO(way.name);
    check_batch(batch, way.flags + Words{"--quarantine", batch / "aside"}, {"it's"}, {.reason = "crashed"});
    const auto row = row_of(batch.out(), "it's");
    const auto sentence = row["error_message"].get<std::string>();
    CHECK_THAT(sentence, Contains("signal 11") && Contains("running stage 2 (fault)"));
    const std::string source = batch.in() + "/" + name;
    const Bundle bundle = bundle_of(batch.out(), source);
    CHECK(bundle.signal == SIGSEGV);
    CHECK(bundle.step == "running the stages");
    CHECK(bundle.stage == "stage 2 (fault)");
    CHECK(bundle.output == "these are my last words\n");
    CHECK(bundle.attempts >= 2);
    // Put aside: the input itself, and the same facts for people.
    CHECK(read_file(batch / ("aside/" + name)) == read_file(source));
    const std::string text = read_file(batch / ("aside/" + name + ".txt"));
    for (const std::string& fact : {sentence, bundle.stage, bundle.command, std::string("these are my last words")})
      CHECK_THAT(text, Contains(fact));
    // As it is, but for the folder that it writes to.
    const ProgramResult again =
        run_in_bash(with(bundle.command, " -o /tmp/again ", fmt::format(" -o '{}' ", batch / "again")), batch / ".");
    INFO(bundle.command << "\n" << again.err);
    CHECK(again.code == 1);
    CHECK_THAT(again.err, Contains("running stage 2 (fault)") && Contains("signal 11"));
    CHECK(row_of(batch / "again", "it's")["error_message"] == sentence);
  }
}

TEST_CASE("an image that hung is put aside like one that crashed, and one that ran out of memory is not", "[faults]") {
  Batch batch;
  batch.add_fault("loop@decode", "hung");
  if (!kSanitized) batch.add_fault("balloon@decode", "balloon");  // no limit on data there
  const Words flags{"-j2", "--worker-memory", "200M", "--timeout", "1s", "--quarantine", batch / "aside"};
  const Observed seen = run_watched(batch.words(flags));
  INFO(seen.result.err);
  CHECK(seen.result.code == 1);
  check_invariant(batch, seen, {"hung", "balloon"});
  const Bundle hung = bundle_of(batch.out(), batch.in() + "/hung.png");
  CHECK(hung.step == "decoding");
  CHECK_THAT(hung.command, Contains("hung.png"));
  CHECK(read_file(batch / "aside/hung.png") == read_file(batch.in() + "/hung.png"));
  CHECK_THAT(read_file(batch / "aside/hung.png.txt"), Contains("decoding") && Contains(hung.command));
  CHECK(tree(batch / "aside").size() == 2);
  if (kSanitized) return;
  CHECK(bundle_of(batch.out(), batch.in() + "/balloon.png").signal == 0);
  CHECK(row_of(batch.out(), "balloon")["reason"] == "out_of_memory");
}

TEST_CASE("innocents that shared a hybrid worker with crashing images are cleared by a solo retry", "[faults]") {
  Batch batch;
  std::vector<std::string> guilty;
  for (int i = 0; i < 3; ++i)
    batch.add_fault("late_segv@decode:120", guilty.emplace_back(fmt::format("z-fault{}", i)));  // the first of one size
  for (int i = 0; i < 24; ++i) batch.add_fault("sleep@decode:200", fmt::format("good{:02}", i));
  check_batch(batch, {"-j2", "--threads", "4"}, guilty, {.reason = "crashed"});
  int suspected = 0;
  for (const auto& row : timings_of(batch.out())) {
    const bool is_guilty = row["source"].get<std::string>().find("z-fault") != std::string::npos;
    CHECK(row["crashes"] <= (is_guilty ? 2 : 1));
    suspected += !is_guilty && row["crashes"] == 1;
  }
  CHECK(suspected > 0);
}

TEST_CASE("workers that are replaced after every image change nothing, also while images are spread", "[faults]") {
  Batch batch;
  batch.job = {"-s", "median 3", "-s", "sharpen amount=0.5"};
  for (unsigned i = 0; i < 6; ++i)
    write_picture(fmt::format("{}/p-large{}.png", batch.in(), i), some_picture(300, 280, i), "png");
  for (const Words& flags : {Words{"-j2"}, Words{"-j2", "--tiling", "spread", "--band-rows", "32"},
                             Words{"-j2", "--threads", "2", "--tiling", "spread", "--band-rows", "32"}}) {
    INFO(fmt::format("{}", fmt::join(flags, " ")));
    const Observed seen = run_watched(batch.words(flags + Words{"--recycle", "1"}));
    INFO(seen.result.err);
    CHECK(seen.result.code == 0);
    CHECK((tree(batch.out()) == batch.clean()));
    CHECK(seen.workers.size() >= 6);
    for (const auto& row : timings_of(batch.out())) CHECK(row["crashes"] == 0);
    CHECK(leftovers(batch.out()).empty());
    fs::remove_all(batch.out());
  }
}

}  // namespace tessera::tests
