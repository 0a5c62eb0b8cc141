// Faults against the built program: a batch of ordinary small pictures with something evil among them, and the checks
// that hold after every fault (FAULTS: the common invariant).
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/pipeline/program.h"

namespace tessera::tests {

using Words = std::vector<std::string>;
Words operator+(Words a, const Words& b);

struct Way {
  const char* name;
  Words flags;
};
std::vector<Way> isolated_ways();  // processes, hybrid
std::vector<Way> isolated_ways_and_spread();
const Way& processes();

constexpr std::size_t kOrdinary = 12;

/// A folder of kOrdinary pictures, and what they become when nothing happens.
class Batch {
 public:
  Batch();
  /// A file "FAULT <order>", large enough to be the first that is started; named NAME.png.
  std::string add_fault(const std::string& order, const std::string& name = "fault");
  std::string add(const std::string& name, const std::string& bytes);
  std::string in() const { return folder_ / "in"; }
  std::string out() const { return folder_ / "out"; }
  std::string operator/(const std::string& name) const { return folder_ / name; }
  std::size_t inputs() const;
  /// The arguments of a run of this batch into out().
  Words words(const Words& flags) const;
  /// Those of the ordinary pictures' outputs, by a clean serial run.
  const std::map<std::string, std::string>& clean();

  Words job{"--resize", "40x40", "-s", "sharpen amount=0.5"};

 private:
  TemporaryFolder folder_;
  std::map<std::string, std::string> clean_;
};

/// What is seen of a run from outside, every few milliseconds.
struct Observed {
  ProgramResult result;
  double seconds = 0;
  struct Most {
    std::size_t descriptors = 0;
    std::uint64_t private_bytes = 0;  // resident, not shared
  };
  Most coordinator, first_half, second_half;    // of the coordinator: ever, in the run's fifths 1 and 2, in 3 and 4
  std::uint64_t most_worker_private_bytes = 0;  // of any one worker
  std::set<int> workers;                        // all that were met
};
/// Runs it to its end. `meanwhile` is called every few milliseconds. Fails the test when it takes longer than `limit_s`
/// (times four under a sanitizer), and when it leaves a process behind.
Observed run_watched(const Words& words, double limit_s = 60, const std::function<void(Program&)>& meanwhile = {});

std::vector<nlohmann::json> rows_of(const std::string& out);     // the manifest
std::vector<nlohmann::json> timings_of(const std::string& out);  // what differs from run to run
/// The one row of an input. Fails the test when there is another number of them.
nlohmann::json row_of(const std::string& out, const std::string& source_part);
nlohmann::json timing_of(const std::string& out, const std::string& source_part);

struct Expected {
  int code = 1;
  std::string status = "quarantined";
  std::string reason = {};              // looked at where the manifest has reasons
  std::vector<std::string> words = {};  // in the row's sentence
  double limit_s = 60;                  // for the whole run
};
/// Runs the batch in `flags` and checks the invariant; `faulty`: name parts of the inputs that are to end as expected.
/// With code 0 every input is to be done.
Observed check_batch(Batch&, const Words& flags, const std::vector<std::string>& faulty, const Expected&,
                     const std::function<void(Program&)>& meanwhile = {});
/// The invariant alone, after a run that ended with a terminal row for every input.
void check_invariant(Batch&, const Observed&, const std::vector<std::string>& faulty);
/// The coordinator of a long run needs neither more descriptors nor more memory as time goes by.
void check_flat(const Observed&);

/// Runs the batch again, with --resume and --retry-failed: everything is done then, as if nothing had ever happened.
void check_resumed(Batch&, const Words& flags);

/// Sets an environment variable for the programs started while it lives.
class Environment {
 public:
  Environment(std::string name, const std::string& value);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::string name_;
};
/// TESSERA_IO_FAULT with the interposer preloaded: see interpose.cc.
class IoFault {
 public:
  explicit IoFault(const std::string& plan);

 private:
  Environment preload_, plan_, asan_;
};

/// TESSERA_FAULT_AT="at" (workers/fault_point.h), and a look at how often the point was passed: a fault that never
/// happened proves nothing.
class FaultAt {
 public:
  explicit FaultAt(const std::string& at);
  std::uint64_t passed() const;

 private:
  TemporaryFolder folder_;
  Environment at_, count_;
};

/// A number that a long test by hand sets in the environment.
std::uint64_t number_from(const char* variable, std::uint64_t usual);

/// The program has stopped itself.
bool is_stopped(int pid);
/// A worker of the program that has stopped itself, if there is one.
std::optional<int> stopped_worker(const Program&);

/// A tmpfs of this size at a folder of the batch, in a mount namespace of this test's own. False, with a word on
/// standard output, where that is not allowed.
bool mount_small(const std::string& folder, const std::string& options);

OwnedImage some_picture(int width, int height, unsigned seed);

}  // namespace tessera::tests
