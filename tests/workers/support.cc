#include "tests/workers/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "workers/proc.h"
#include "workers/thread_count.h"

namespace tessera::workers::testing {
namespace {

std::size_t count_descriptors() {
  std::size_t count = 0;
  DIR* const folder = ::opendir("/proc/self/fd");
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

std::size_t count_children() {
  std::size_t count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream list(task.path() / "children");
    for (int pid = 0; list >> pid;) ++count;
  }
  return count;
}

std::size_t count_window_mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find("tessera-window") != std::string::npos;
  return count;
}

}  // namespace

Holdings Holdings::now() { return {count_descriptors(), count_children(), thread_count(), count_window_mappings()}; }

std::ostream& operator<<(std::ostream& out, const Holdings& holdings) {
  return out << holdings.descriptors << " descriptors, " << holdings.children << " children, " << holdings.threads
             << " threads, " << holdings.window_mappings << " window mappings";
}

// ThreadSanitizer starts a thread of its own beside the first one that a program starts, and keeps it.
NothingLeft::NothingLeft() {
  std::thread([] {}).join();
  before_ = Holdings::now();
}

NothingLeft::~NothingLeft() noexcept(false) {
  if (std::uncaught_exceptions() == 0) REQUIRE(Holdings::now() == before_);
}

std::vector<ModeCase> all_modes() {
  std::vector<ModeCase> modes = {{"serial", {ExecutorOptions::Mode::serial, 1, 1}},
                                 {"threads", {ExecutorOptions::Mode::threads, 1, 3}}};
  for (const ModeCase& mode : isolated_modes()) modes.push_back(mode);
  return modes;
}

std::vector<ModeCase> isolated_modes() { return {{"processes", processes(2)}, {"hybrid", processes(2, 2)}}; }

ExecutorOptions processes(int workers, int threads) { return {ExecutorOptions::Mode::processes, workers, threads}; }

Workforce make_test_workforce(const ExecutorOptions& options, std::uint64_t budget_bytes) {
  return make_workforce(options, budget_bytes, run_test_job);
}

std::uint32_t any_idle(const Executor& executor) {
  for (const Executor::Worker& worker : executor.workers())
    if (worker.idle_slots > 0) return worker.window;
  FAIL("no worker is idle");
  return 0;
}

bool wait_for_idle(Executor& executor, int slots, std::vector<Event>& events, std::chrono::seconds timeout) {
  const Clock::time_point until = Clock::now() + timeout;
  for (;;) {
    int idle = 0;
    for (const Executor::Worker& worker : executor.workers()) idle += worker.idle_slots;
    if (idle >= slots) return true;
    if (Clock::now() >= until) return false;
    executor.wait(events, until);
  }
}

std::vector<Completion> wait_for(Executor& executor, std::size_t completions, std::vector<Event>& events,
                                 std::chrono::seconds timeout) {
  const Clock::time_point until = Clock::now() + timeout;
  std::vector<Completion> found;
  while (found.size() < completions && Clock::now() < until) {
    std::vector<Event> fresh;
    executor.wait(fresh, until);
    for (const Event& event : fresh)
      if (const auto* const completion = std::get_if<Completion>(&event)) found.push_back(*completion);
    events.insert(events.end(), fresh.begin(), fresh.end());
  }
  REQUIRE(found.size() >= completions);
  return found;
}

Completion run_one(Executor& executor, std::uint32_t window, const Job& job, std::span<const int> fds,
                   const Limits& limits) {
  std::vector<Event> events;
  executor.start(window, job, fds, limits);
  const Completion completion = wait_for(executor, 1, events).front();
  REQUIRE(completion.id == job.id);
  return completion;
}

void start_and_see(Executor& executor, std::uint32_t window, const Job& job, std::vector<Event>& events,
                   const Limits& limits) {
  const auto speaks = [&](const Event& event) {
    const auto* const progress = std::get_if<Progress>(&event);
    return progress != nullptr && progress->id == job.id;
  };
  executor.start(window, job, {}, limits);
  const Clock::time_point until = Clock::now() + std::chrono::seconds(20);
  while (std::ranges::none_of(events, speaks) && Clock::now() < until) executor.wait(events, until);
  REQUIRE(std::ranges::any_of(events, speaks));
}

std::uint64_t own_memory() { return ProcessMemory::of(::getpid()).value().resident_bytes; }

Lease lease_one(Arena& arena, std::uint32_t window, std::uint64_t bytes) {
  const Want want{window, bytes, 0};
  auto leases = arena.lease({&want, 1});
  REQUIRE(leases);
  return std::move(leases->front());
}

int count_lost(const std::vector<Event>& events, std::uint32_t window) {
  int count = 0;
  for (const Event& event : events)
    if (const auto* const lost = std::get_if<WindowLost>(&event)) count += lost->window == window;
  return count;
}

std::string text_of(const Completion& completion) { return reinterpret_cast<const char*>(completion.payload.data()); }

Pipe Pipe::make() {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

int in_child(const std::function<int()>& body) {
  std::cout.flush();
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(60);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

bool is_readable(int fd, int timeout_ms) {
  pollfd events{fd, POLLIN, 0};
  return ::poll(&events, 1, timeout_ms) == 1;
}

bool disappears(int pid) {
  for (int i = 0; i < 400; ++i) {
    if (::kill(pid, 0) != 0) return true;
    // A zombie whose new parent has not reaped it yet is gone for our purpose.
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(stat, text);
    if (text.find(") Z") != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace tessera::workers::testing
