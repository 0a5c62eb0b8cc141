// Helpers of the tests of workers/: what a test leaves behind, and short ways to run jobs. No Catch macros run in a
// child: forked workers see test_jobs.h only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/workers/test_jobs.h"
#include "workers/executor.h"

namespace tessera::workers::testing {

/// What a process can leak.
struct Holdings {
  std::size_t descriptors = 0, children = 0, threads = 0, window_mappings = 0;
  bool operator==(const Holdings&) const = default;
  static Holdings now();
};
std::ostream& operator<<(std::ostream&, const Holdings&);

/// Fails the test case when something is held at its end that was not held at its start.
class NothingLeft {
 public:
  NothingLeft();
  ~NothingLeft() noexcept(false);
  NothingLeft(const NothingLeft&) = delete;
  NothingLeft& operator=(const NothingLeft&) = delete;

 private:
  Holdings before_;
};

struct ModeCase {
  const char* name;
  ExecutorOptions options;
};
/// serial, threads, processes, hybrid: all small.
std::vector<ModeCase> all_modes();
std::vector<ModeCase> isolated_modes();
ExecutorOptions processes(int workers, int threads = 1);

constexpr std::uint64_t kBudget = 1 << 20;

/// A workforce that runs test jobs.
Workforce make_test_workforce(const ExecutorOptions&, std::uint64_t budget_bytes = kBudget);

/// Fails the test when there is no idle worker.
std::uint32_t any_idle(const Executor&);
/// Waits until this many slots are idle in all; false after `timeout`. Events go to `events`.
bool wait_for_idle(Executor&, int slots, std::vector<Event>& events,
                   std::chrono::seconds timeout = std::chrono::seconds(20));
/// Waits for at least so many completions, or fails the test; every event is appended.
std::vector<Completion> wait_for(Executor&, std::size_t completions, std::vector<Event>& events,
                                 std::chrono::seconds timeout = std::chrono::seconds(20));
/// One job to one worker, and its answer.
Completion run_one(Executor&, std::uint32_t window, const Job&, std::span<const int> fds = {}, const Limits& = {});
Lease lease_one(Arena&, std::uint32_t window, std::uint64_t bytes);

/// Starts the job and waits until it has said that it runs.
void start_and_see(Executor&, std::uint32_t window, const Job&, std::vector<Event>& events, const Limits& = {});
/// Resident memory of this process that is its own.
std::uint64_t own_memory();

int count_lost(const std::vector<Event>&, std::uint32_t window);
std::string text_of(const Completion&);

/// Reads one word of the answer's payload.
template <typename T = std::uint64_t>
T answer(const Completion& completion, std::size_t index = 0) {
  T value;
  std::memcpy(&value, completion.payload.data() + index * sizeof(T), sizeof(T));
  return value;
}

struct Pipe {
  Fd read, write;
  static Pipe make();
};

/// Runs `body` in a child of its own, because what it does to the process cannot be taken back. No Catch macros in it:
/// it returns 0 when all was well.
int in_child(const std::function<int()>& body);

bool is_readable(int fd, int timeout_ms);

/// True once the process is gone; false after two seconds.
bool disappears(int pid);

}  // namespace tessera::workers::testing
