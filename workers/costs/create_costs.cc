#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "workers/costs/costs.h"
#include "workers/costs/helper.h"
#include "workers/costs/pages.h"
#include "workers/costs/sampling.h"
#include "workers/costs/task_thread.h"
#include "workers/proc.h"

namespace tessera::workers::costs {
namespace {

constexpr const char* kTinyProgram = "/bin/true";

void wait_for_good_end(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) throw_errno("waitpid");
  if (status != 0) throw std::system_error(EPROTO, std::generic_category(), "a process did not end as it should");
}

double fork_once() {
  const double start = now_s();
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  if (pid < 0) throw_errno("fork");
  wait_for_good_end(pid);
  return now_s() - start;
}

double spawn_once() {
  char* const arguments[] = {const_cast<char*>(kTinyProgram), nullptr};
  char* const environment[] = {nullptr};
  pid_t pid = 0;
  const double start = now_s();
  if (const int code = ::posix_spawn(&pid, kTinyProgram, nullptr, nullptr, arguments, environment); code != 0)
    throw std::system_error(code, std::generic_category(), "posix_spawn");
  wait_for_good_end(pid);
  return now_s() - start;
}

double thread_once() {
  int ran = 0;
  const double start = now_s();
  std::thread([&ran] { ran = 1; }).join();
  const double seconds = now_s() - start;
  if (ran != 1) throw std::system_error(EPROTO, std::generic_category(), "a thread ended without having run");
  return seconds;
}

bool has_tiny_program() { return ::access(kTinyProgram, X_OK) == 0; }

void say_without_tiny_program(Measured& measured) {
  if (!has_tiny_program()) measured.left_out.push_back("posix_spawn: there is no /bin/true to start.");
}

std::vector<Measure> ways_to_start(double x) {
  std::vector<Measure> ways{{"thread", "thread: create, join", x, thread_once},
                            {"fork", "fork, exit, wait", x, fork_once}};
  if (has_tiny_program()) ways.push_back({"spawn", "posix_spawn of /bin/true, wait", x, spawn_once});
  return ways;
}

void append(std::vector<Series>& to, std::vector<Series> from) {
  for (Series& series : from) to.push_back(std::move(series));
}

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

Measured create_costs(std::uint64_t shared_bytes, const Effort& effort) {
  Measured measured = in_helper([&] {
    Measured here;
    here.rows = sample_in_turn(ways_to_start(0), effort);
    return here;
  });
  append(measured.rows, in_helper([&] {
                          TaskThread tasks;
                          Measured here;
                          here.rows = sample_in_turn(
                              {{"task", "task to a running oneTBB thread", 0, [&] { return tasks.once(); }}}, effort);
                          return here;
                        }).rows);
  append(measured.rows,
         in_helper([&] {
           const Fd file = shared_file(shared_bytes);
           const Mapping shared = shared_pages(shared_bytes, file.get());
           write_each_page(shared.bytes(), std::byte{1});
           Measured here;
           here.rows = sample_in_turn(
               {{"fork-shared", "fork with " + mebibytes(shared_bytes) + " of shared memory", 0, fork_once}}, effort);
           return here;
         }).rows);
  say_without_tiny_program(measured);
  return measured;
}

Measured create_costs_of_parent(std::uint64_t private_bytes, const Effort& effort) {
  return in_helper([&] {
    const std::optional<Mapping> memory =
        private_bytes == 0 ? std::nullopt : std::optional<Mapping>(private_pages(private_bytes));
    if (memory) write_each_page(memory->bytes(), std::byte{1});
    const auto x = static_cast<double>(ProcessMemory::of(::getpid()).value().resident_bytes);
    Measured measured;
    measured.points = sample_in_turn(ways_to_start(x), effort);
    say_without_tiny_program(measured);
    return measured;
  });
}

}  // namespace tessera::workers::costs
