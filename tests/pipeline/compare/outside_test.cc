// What a launch measures, against tools that know nothing of it, in the very same run: the tool runs the program, and
// the launch runs the tool. What the tool takes for itself is the difference that is allowed.
#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <sstream>

#include "pipeline/compare/launch.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
using namespace pipeline;
using Words = std::vector<std::string>;

namespace {

/// A run of a second or two, in worker processes that a slip would leave out.
struct Work {
  TemporaryFolder folder;
  Words run() const {
    return {TESSERA_PROGRAM, "run", folder / "in", "-o", folder / "out", "-q", "-j2", "-s", "median 4"};
  }
  std::string said() const { return folder / "said"; }
  explicit Work(int pictures = 16, int width = 900, int height = 700) {
    write_photos(folder / "in", pictures, width, height);
  }

  /// tool..., then the run. What the tool wrote into said(), as numbers.
  std::pair<Observation, std::vector<double>> under(Words tool, const LaunchOptions& options) const {
    const Words words = run();
    tool.insert(tool.end(), words.begin(), words.end());
    Observation seen = launch(tool, options);
    INFO(seen.errors);
    REQUIRE(seen.exit_code == 0);
    std::istringstream text(read_file(said()));
    std::vector<double> numbers;
    for (double number = 0; text >> number;) numbers.push_back(number);
    return {std::move(seen), numbers};
  }
};

void row(const char* figure, double ours, double outside, double tolerance) {
  fmt::print("{:<38} {:>14.3f} {:>14.3f}   within {:.3f}\n", figure, ours, outside, tolerance);
  INFO(figure);
  CHECK(std::abs(ours - outside) <= tolerance);
}

bool is_there(const char* tool) {
  if (access(tool, X_OK) == 0) return true;
  fmt::print("no {}: passing without it\n", tool);
  return false;
}

double as_double(std::uint64_t number) { return static_cast<double>(number); }

/// Runs the rest of its arguments. Writes usage of children and of itself: user + system, minor, major, voluntary,
/// involuntary; twice five numbers.
constexpr const char* kParent = R"(
import resource, subprocess, sys
subprocess.run(sys.argv[2:], check=True)
with open(sys.argv[1], "w") as file:
    for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF):
        u = resource.getrusage(who)
        print(u.ru_utime + u.ru_stime, u.ru_minflt, u.ru_majflt, u.ru_nvcsw, u.ru_nivcsw, file=file)
)";

/// Runs the rest of its arguments and samples their memory from smaps_rollup. Writes the highest PSS, what of it was
/// private then, and its own PSS then, in kB.
constexpr const char* kSampler = R"(
import glob, subprocess, sys, time
def rollup(pid):
    pss = private = 0
    try:
        for line in open(f"/proc/{pid}/smaps_rollup"):
            words = line.split()
            if words[0] == "Pss:": pss += int(words[1])
            if words[0] in ("Private_Clean:", "Private_Dirty:"): private += int(words[1])
    except (FileNotFoundError, ProcessLookupError): pass
    return pss, private
def below(pid):
    found = [str(pid)]
    for one in found:
        for name in glob.glob(f"/proc/{one}/task/*/children"):
            try: found += open(name).read().split()
            except (FileNotFoundError, ProcessLookupError): pass
    return found
child = subprocess.Popen(sys.argv[2:])
best = (0, 0, 0)
while child.poll() is None:
    each = [rollup(pid) for pid in below(child.pid)]
    best = max(best, (sum(p for p, _ in each), sum(q for _, q in each), rollup("self")[0]))
    time.sleep(0.002)
open(sys.argv[1], "w").write("%d %d %d" % best)
sys.exit(child.returncode)
)";

}  // namespace

TEST_CASE("time and switches of a launch are those that /usr/bin/time tells", "[launch]") {
  if (!is_there("/usr/bin/time")) return;
  const Work work;
  const auto [seen, told] = work.under({"/usr/bin/time", "-o", work.said(), "-f", "%e %U %S %R %w"}, {});
  REQUIRE(told.size() == 5);
  row("wall, s", seen.wall_s, told[0], 0.1);
  row("user, s", seen.user_s, told[1], 0.05);
  row("system, s", seen.system_s, told[2], 0.05);
  row("minor faults", as_double(seen.minor_faults), told[3], 300);
  row("voluntary switches", as_double(seen.voluntary_switches), told[4], 20);
  CHECK(seen.user_s > 0.1);  // of workers: the coordinator takes a few ms
}

TEST_CASE("usage of a launch is that which another parent gets from the kernel", "[launch]") {
  if (!is_there("/usr/bin/python3")) return;
  const Work work;
  const auto [seen, told] = work.under({"/usr/bin/python3", "-c", kParent, work.said()}, {});
  REQUIRE(told.size() == 10);
  const auto both = [&](std::size_t i) { return told[i] + told[i + 5]; };
  row("user and system, s", seen.user_s + seen.system_s, both(0), 0.05);
  row("minor faults", as_double(seen.minor_faults), both(1), 300);
  row("major faults", as_double(seen.major_faults), both(2), 20);
  row("voluntary switches", as_double(seen.voluntary_switches), both(3), 20);
  row("involuntary switches", as_double(seen.involuntary_switches), both(4), 50);
  CHECK(told[1] > 2000);  // or the tolerance would hold of nothing
}

TEST_CASE("peak memory of a launch is that which another sampler sees", "[launch]") {
  if (kSanitized) return;  // processes of a sanitizer come, map and go at other times
  if (!is_there("/usr/bin/python3")) return;
  const Work work(2, 2400, 1800);  // one for each worker: they stay at their highest for most of the run
  LaunchOptions options;
  options.sample_memory = true;
  options.memory_interval = std::chrono::milliseconds(2);
  const auto [seen, told] = work.under({"/usr/bin/python3", "-c", kSampler, work.said()}, options);
  REQUIRE(told.size() == 3);
  constexpr double kMiB = 1 << 20, kKiBInMiB = 1024;
  const double outside = told[0] / kKiBInMiB, own = told[2] / kKiBInMiB;
  // Two samplers meet different moments; the other one's own memory is in ours.
  row("peak PSS, MiB", as_double(seen.memory.pss_bytes) / kMiB, outside + own, 0.15 * outside);
  row("of that private, MiB", as_double(seen.memory.private_bytes) / kMiB, told[1] / kKiBInMiB + own, 0.2 * outside);
  CHECK(seen.memory.processes >= 4);  // the other one, the coordinator, two workers
  CHECK(outside > 10);
}

}  // namespace tessera::tests
