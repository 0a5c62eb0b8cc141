// The small parts that decide how a run ends: limits, breaker, recycling, quarantine, what is shown of a failure.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "pipeline/breaker.h"
#include "pipeline/limits.h"
#include "pipeline/printable.h"
#include "pipeline/quarantine.h"
#include "pipeline/recipe.h"
#include "pipeline/recycling.h"
#include "tests/pipeline/program.h"
#include "workers/fd.h"

namespace tessera::tests {
using namespace pipeline;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Catch::Matchers::Contains;

TEST_CASE("a time limit follows the pixels, or the time-out, or is none", "[limits]") {
  const auto usual = limits_for({}, 20'000'000, 3, 77);
  CHECK(usual.cpu_ms == 5000 + 60'000);
  CHECK(usual.wall_ms == 4 * usual.cpu_ms + 10'000);
  CHECK(usual.private_bytes == 77);
  const auto given = limits_for({500ms}, 20'000'000, 3, 0);
  CHECK(given.cpu_ms == 500);
  CHECK(given.wall_ms == 4000);
  const auto none = limits_for({0ms}, 20'000'000, 3, 77);
  CHECK(none.cpu_ms == 0);
  CHECK(none.wall_ms == 0);
  CHECK(none.private_bytes == 77);
  CHECK(limits_for({}, ~0ull, ~0ull, 0).cpu_ms == ~0u);  // no overflow
  const auto steps_with = [](const char* op, const char* value) {
    RecipeFile file = default_recipe();
    const std::array<stages::Values::Pair, 1> pair{{{"", value}}};
    CommandLineOverrides flags;
    flags.stages.push_back(make_stage_spec(op, pair, "here"));
    apply(flags, file);
    return steps_of(file.recipe);
  };
  CHECK(steps_with("sharpen", "0.5") == 2);
  CHECK(steps_with("median", "64") > 8 * steps_with("median", "1"));
  CHECK(limits_there({}, usual, true).cpu_ms == usual.cpu_ms);
  CHECK(limits_there({}, usual, false).cpu_ms == 0);
  CHECK(limits_there({}, usual, false).wall_ms == 0);
  CHECK(limits_there({500ms}, given, false).cpu_ms == given.cpu_ms);
}

TEST_CASE("the breaker trips at deaths in a row over different images only", "[breaker]") {
  Breaker breaker(3);
  breaker.died(1, 10), breaker.died(2, 10), breaker.died(3, 11), breaker.died(4, 11);
  CHECK_FALSE(breaker.tripped());  // two images
  breaker.answered();
  breaker.died(5, 12), breaker.died(6, 13);
  CHECK_FALSE(breaker.tripped());
  breaker.died(6, 14);  // three images, two deaths: a worker held two jobs
  CHECK_FALSE(breaker.tripped());
  breaker.died(7, 12);
  CHECK(breaker.tripped());
  Breaker off(0);
  for (std::uint64_t i = 0; i < 1000; ++i) off.died(i, i);
  CHECK_FALSE(off.tripped());
}

TEST_CASE("a worker is due after so many images, or grown, or out of memory", "[recycling]") {
  Recycling recycling(2);
  recycling.opened_image(1);
  CHECK(recycling.due().empty());
  recycling.opened_image(1);
  CHECK(recycling.due() == std::set<std::uint32_t>{1});
  recycling.replaced(1);
  CHECK(recycling.due().empty());
  int asked = 0;
  const auto grown = [&](std::uint32_t window) { return ++asked, window == 2 ? Recycling::kMostGrowth + 1 : 0; };
  const auto now = Recycling::Clock::now();
  recycling.job_ended(3, now, grown);
  recycling.job_ended(3, now + 100ms, grown);
  CHECK(asked == 1);
  recycling.job_ended(3, now + 300ms, grown);
  CHECK(asked == 2);
  CHECK(recycling.due().empty());
  recycling.job_ended(2, now, grown);
  CHECK(recycling.due() == std::set<std::uint32_t>{2});
  recycling.ran_out(3);
  CHECK(recycling.due().size() == 2);
}

TEST_CASE("an input put aside is the same file, with a report, and nothing is overwritten", "[quarantine]") {
  TemporaryFolder folder;
  write_file(folder / "bad.jpg", "the picture");
  const workers::Fd fd(open((folder / "bad.jpg").c_str(), O_RDONLY | O_CLOEXEC));
  const Quarantine quarantine(folder / "aside");
  const Input input{0, folder / "bad.jpg", "a/b", 11, {}};
  FailureBundle bundle;
  bundle.signal = 11;
  bundle.command = "tessera run again";
  REQUIRE(quarantine.put(input, fd.get(), "its worker died twice", bundle) == "");
  CHECK(read_file(folder / "aside/a/b/bad.jpg") == "the picture");
  CHECK(fs::hard_link_count(folder / "bad.jpg") == 2);
  const std::string report = read_file(folder / "aside/a/b/bad.jpg.txt");
  CHECK_THAT(report, Contains("its worker died twice") && Contains("signal: 11") && Contains("tessera run again"));
  CHECK(quarantine.put(input, fd.get(), "again", bundle) == "");  // there already
  CHECK(read_file(folder / "aside/a/b/bad.jpg.txt") == report);

  fs::remove(folder / "aside/a/b/bad.jpg.txt");
  CHECK(quarantine.put(input, fd.get(), "again", bundle) == "");
  CHECK_THAT(read_file(folder / "aside/a/b/bad.jpg.txt"), Contains("what happened: again"));
  CHECK(tree(folder / "aside").size() == 2);
  write_file(folder / "file", "");
  CHECK_FALSE(Quarantine(folder / "file").put(input, fd.get(), "x", bundle).empty());
}

TEST_CASE("inputs of one name are all put aside, and copies of one input once", "[quarantine]") {
  TemporaryFolder folder;
  const Quarantine quarantine(folder / "aside");
  const auto put = [&](const std::string& path, const std::string& content) {
    write_file(folder / path, content);
    const workers::Fd fd(open((folder / path).c_str(), O_RDONLY | O_CLOEXEC));
    return quarantine.put({0, folder / path, "", content.size(), {}}, fd.get(), "said of " + path, {});
  };
  fs::create_directories(folder / "aside");
  fs::create_symlink(folder / "outside", folder / "aside/bad~2.jpg");
  REQUIRE(mkfifo((folder / "aside/bad~3.jpg").c_str(), 0600) == 0);
  for (const std::string name : {"1", "2", "3"}) {
    fs::create_directories(folder / name);
    CHECK(put(name + "/bad.jpg", "picture " + name) == "");
    CHECK(put(name + "/bad.jpg", "picture " + name) == "");
  }
  fs::create_directories(folder / "4");
  CHECK(put("4/bad.jpg", "picture 2") == "");  // a copy
  CHECK(put("bad.jpg.txt", "a list") == "");   // another one's report has its name
  const auto files = tree(folder / "aside");
  CHECK(files.at("bad.jpg") == "picture 1");
  CHECK(files.at("bad~4.jpg") == "picture 2");
  CHECK(files.at("bad~5.jpg") == "picture 3");
  CHECK_THAT(files.at("bad~5.jpg.txt"), Contains("said of 3/bad.jpg"));
  CHECK(files.at("bad.jpg~2.txt") == "a list");
  CHECK(files.size() == 8);
  CHECK_FALSE(fs::exists(folder / "outside"));
}

TEST_CASE("what is put aside does not go through links", "[quarantine]") {
  TemporaryFolder folder;
  fs::create_directories(folder / "elsewhere");
  fs::create_directories(folder / "aside/a");
  fs::create_directory_symlink(folder / "elsewhere", folder / "aside/a/b");
  write_file(folder / "bad.jpg", "the picture");
  const workers::Fd fd(open((folder / "bad.jpg").c_str(), O_RDONLY | O_CLOEXEC));
  const Quarantine quarantine(folder / "aside");
  CHECK_THAT(quarantine.put({0, folder / "bad.jpg", "a/b", 11, {}}, fd.get(), "x", {}), Contains("symbolic link"));
  CHECK(fs::is_empty(folder / "elsewhere"));
}

TEST_CASE("a quarantine folder lies in no folder that is read or written", "[quarantine]") {
  TemporaryFolder folder;
  for (const char* name : {"in/sub", "out", "aside"}) fs::create_directories(folder / name);
  fs::create_directory_symlink(folder / "in", folder / "link");
  write_file(folder / "in/a.jpg", "a");
  const auto check = [&](const std::string& aside, const std::string& source) {
    check_quarantine(aside.empty() ? "" : folder / aside, folder / "out",
                     {{InputSource::Kind::path, folder / source}, {InputSource::Kind::list, "-"}});
  };
  for (const std::string aside : {"in", "in/", "in/new/er", "link/x", "out/../in", "out", "out/bad"})
    CHECK_THROWS_AS(check(aside, "in"), UsageError);
  CHECK_THROWS_AS(check("in/bad", "i?/*.jpg"), UsageError);
  CHECK_THROWS_AS(check("in/bad", "in/{a,b}*.jpg"), UsageError);
  CHECK_THROWS_AS(check("in", "in/a.jpg"), UsageError);
  for (const std::string aside : {"", "aside", "input", "new"}) CHECK_NOTHROW(check(aside, "in"));
  CHECK_NOTHROW(check("in/bad", "in/a.jpg"));
  CHECK_NOTHROW(check("aside", "in/*.jpg"));
}

TEST_CASE("an input on another file system is copied into quarantine", "[quarantine]") {
  struct stat here {
  }, there{};
  TemporaryFolder folder;
  if (stat("/dev/shm", &there) != 0 || stat(folder.path().c_str(), &here) != 0 || here.st_dev == there.st_dev) {
    WARN("no second file system: passing without it");
    return;
  }
  std::string other = "/dev/shm/tessera-test-XXXXXX";
  REQUIRE(mkdtemp(other.data()));
  write_file(folder / "bad.jpg", std::string(200'000, 'x'));
  const workers::Fd fd(open((folder / "bad.jpg").c_str(), O_RDONLY | O_CLOEXEC));
  const std::string trouble = Quarantine(other).put({0, folder / "bad.jpg", "", 200'000, {}}, fd.get(), "x", {});
  const std::string copied = read_file(other + "/bad.jpg");
  const auto files = tree(other);
  fs::remove_all(other);
  CHECK(trouble == "");
  CHECK(copied == std::string(200'000, 'x'));
  CHECK(files.size() == 2);  // no temporary
}

TEST_CASE("what is shown of unknown text cannot move a cursor, and a shell gives any name back", "[failure]") {
  CHECK(printable("a\x1b[2Jb\nc\xff\xc3\xa9\xc2\x9b") == "a\\x1b[2Jb\\x0ac\\xff\xc3\xa9\\xc2\\x9b");
  CHECK(printable("a\nb", true) == "a\nb");
  for (const std::string name : {"plain.jpg", "it's $(here) \"&`.jpg", "new\nline\x1b \xff'\\x41.jpg", "\xc3\xa9 %s"}) {
    TemporaryFolder folder;
    CHECK(shell_quoted(name).find('\n') == std::string::npos);
    write_file(folder / "run", fmt::format("printf %s {} > '{}'", shell_quoted(name), folder / "out"));
    REQUIRE(std::system(fmt::format("bash '{}'", folder / "run").c_str()) == 0);
    CHECK(read_file(folder / "out") == name);
  }
  CHECK_THAT(command_again("/out", "0123abcd", "-j 1", "-x.jpg"), Contains("'./-x.jpg'"));
}

}  // namespace tessera::tests
