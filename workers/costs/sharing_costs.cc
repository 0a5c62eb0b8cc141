#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <thread>

#include "workers/costs/costs.h"
#include "workers/costs/cpus.h"
#include "workers/costs/helper.h"
#include "workers/costs/sampling.h"

namespace tessera::workers::costs {
namespace {

using Counter = std::atomic<std::uint64_t>;

// 64 bytes is a line of x86 and of most others; twice that, because processors fetch lines in pairs.
struct alignas(128) OneLine {
  std::array<Counter, kMostSharingThreads> counters{};
};
static_assert(sizeof(Counter) * kMostSharingThreads == 64);
struct alignas(128) OwnLine {
  Counter counter{0};
};
struct alignas(128) Locked {
  std::mutex mutex;
  std::uint64_t counter = 0;
};

/// Runs step(i) `increments` times in each of `threads` threads, i being the thread's number, each on a CPU of its own
/// as far as there are any. From the moment when all were ready until the last was done, for one increment.
template <typename Step>
double seconds_per_increment(unsigned threads, std::uint64_t increments, const std::vector<int>& cpus,
                             const Step& step) {
  std::atomic<unsigned> ready = 0;
  std::atomic<bool> go = false;
  std::vector<double> ends(threads);
  const auto work = [&](unsigned number) {
    for (std::uint64_t i = 0; i < increments; ++i) step(number);
    ends[number] = now_s();
  };
  std::vector<std::thread> others;
  for (unsigned number = 1; number < threads; ++number)
    others.emplace_back([&, number] {
      if (!cpus.empty()) stay_on(cpus[number % cpus.size()]);
      ++ready;
      while (!go) std::this_thread::yield();
      work(number);
    });
  while (ready + 1 < threads) std::this_thread::yield();
  const double start = now_s();
  go = true;
  work(0);
  for (std::thread& other : others) other.join();
  return (*std::ranges::max_element(ends) - start) / static_cast<double>(increments);
}

/// Does nothing. While it is there the process has threads, without which the C library takes its locks in a cheaper
/// way (glibc 2.36: a mutex in 3 ns instead of 10).
class SleepingThread {
 public:
  SleepingThread() : asleep_(gate_), thread_([this] { const std::lock_guard wait(gate_); }) {}
  ~SleepingThread() {
    asleep_.unlock();
    thread_.join();
  }
  SleepingThread(const SleepingThread&) = delete;
  SleepingThread& operator=(const SleepingThread&) = delete;

 private:
  std::mutex gate_;
  std::unique_lock<std::mutex> asleep_;
  std::thread thread_;
};

void check_count(std::uint64_t counted, std::uint64_t expected) {
  if (counted != expected)
    throw std::system_error(EPROTO, std::generic_category(), "threads that counted together lost increments");
}

}  // namespace

Measured sharing_costs(unsigned threads, std::uint64_t increments, const Effort& effort) {
  assert(threads >= 1 && threads <= kMostSharingThreads);
  return in_helper([&] {
    const std::vector<int> cpus = cpus_to_choose_from();
    Measured measured;
    if (cpus.empty())
      measured.left_out.push_back("A shared counter: threads may not choose their CPU here and may have run in turn.");
    else
      stay_on(cpus.front());
    const SleepingThread sleeper;
    const auto x = static_cast<double>(threads);
    const std::uint64_t expected = increments * threads;
    const auto locked = [&] {
      Locked shared;
      const double seconds = seconds_per_increment(threads, increments, cpus, [&](unsigned) {
        const std::lock_guard lock(shared.mutex);
        ++shared.counter;
      });
      check_count(shared.counter, expected);
      return seconds;
    };
    const auto one_counter = [&] {
      OwnLine shared;
      const double seconds = seconds_per_increment(
          threads, increments, cpus, [&](unsigned) { shared.counter.fetch_add(1, std::memory_order_relaxed); });
      check_count(shared.counter, expected);
      return seconds;
    };
    const auto one_line = [&] {
      OneLine shared;
      const double seconds = seconds_per_increment(threads, increments, cpus, [&](unsigned number) {
        shared.counters[number].fetch_add(1, std::memory_order_relaxed);
      });
      for (unsigned i = 0; i < threads; ++i) check_count(shared.counters[i], increments);
      return seconds;
    };
    const auto own_lines = [&] {
      std::array<OwnLine, kMostSharingThreads> own;
      const double seconds = seconds_per_increment(threads, increments, cpus, [&](unsigned number) {
        own[number].counter.fetch_add(1, std::memory_order_relaxed);
      });
      for (unsigned i = 0; i < threads; ++i) check_count(own[i].counter, increments);
      return seconds;
    };
    measured.points = sample_in_turn({{"mutex", "one counter, a mutex", x, locked},
                                      {"atomic", "one counter, atomic", x, one_counter},
                                      {"one-line", "own counters, one cache line", x, one_line},
                                      {"own-lines", "own counters, own lines", x, own_lines}},
                                     effort);
    return measured;
  });
}

}  // namespace tessera::workers::costs
