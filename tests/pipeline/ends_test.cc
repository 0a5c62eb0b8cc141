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
  CHECK(usual.cpu_ms == 5000 + 30'000);
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

  fs::remove(folder / "aside/a/b/bad.jpg");
  write_file(folder / "aside/a/b/bad.jpg", "mine");
  CHECK_THAT(quarantine.put(input, fd.get(), "again", bundle), Contains("another file"));
  CHECK(read_file(folder / "aside/a/b/bad.jpg") == "mine");
  write_file(folder / "file", "");
  CHECK_FALSE(Quarantine(folder / "file").put(input, fd.get(), "x", bundle).empty());
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
  fs::remove_all(other);
  CHECK(trouble == "");
  CHECK(copied == std::string(200'000, 'x'));
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
  CHECK_THAT(command_again("/out", "0123abcd", "-x.jpg"), Contains("'./-x.jpg'"));
}

}  // namespace tessera::tests
