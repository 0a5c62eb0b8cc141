#include "pipeline/compare/launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "pipeline/compare/memory_sample.h"
#include "pipeline/compare/other_load.h"
#include "workers/fd.h"
#include "workers/kernel_features.h"
#include "workers/signal_guard.h"
#include "workers/thread_count.h"
#include "workers/worker_output.h"

namespace tessera::pipeline {
namespace {

using Clock = std::chrono::steady_clock;
using workers::Fd, workers::throw_errno, workers::WorkerOutput;

constexpr std::size_t kKeptBytes = 64 << 10;
constexpr int kCannotExec = 127, kThrew = 125;  // exit codes of a child that never came to its work, or threw

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

struct Pipe {
  Fd reading, writing;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe2");
    reading = Fd(ends[0]);
    writing = Fd(ends[1]);
  }
};

void limit_data(std::uint64_t bytes) {
  rlimit limit{};
  ::getrlimit(RLIMIT_DATA, &limit);
  limit.rlim_max = std::min<rlim_t>(limit.rlim_max, bytes);
  limit.rlim_cur = std::min(limit.rlim_cur, limit.rlim_max);
  ::setrlimit(RLIMIT_DATA, &limit);
}

/// In the child: a group of its own, the dispositions that a shell would give it, and an end with its launcher.
void settle(pid_t launcher, const LaunchOptions& options, const Pipe& output, const Pipe& errors) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != launcher) ::_exit(kThrew);  // it ended before that was set
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    if (sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) std::signal(number, SIG_DFL);
  }
  std::signal(SIGPIPE, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output.writing.get(), STDOUT_FILENO);
  ::dup2(errors.writing.get(), STDERR_FILENO);
  if (options.data_limit > 0) limit_data(options.data_limit);
}

void check_interrupted(const LaunchOptions& options) {
  if (options.signals != nullptr && options.signals->count() > 0) throw Interrupted(options.signals->first());
}

/// A launched process and its group. The destructor kills and reaps what is still there.
class Launched {
 public:
  Launched(const std::function<int(const Fd& failure)>& child_main, const std::string& name, const LaunchOptions&);
  ~Launched() {
    if (pid_ > 0) reap();
  }
  Launched(const Launched&) = delete;
  Launched& operator=(const Launched&) = delete;

  Observation watch();

 private:
  void wait_for_something();
  void sample();
  bool ended() const;
  void kill_group() const { ::kill(-pid_, SIGKILL); }
  void reap();

  const LaunchOptions& options_;
  const OtherLoad others_;
  Observation seen_;
  pid_t pid_ = -1;
  Fd pidfd_;
  WorkerOutput output_, errors_;
  bool late_ = false;
  Clock::time_point next_sample_;
};

Launched::Launched(const std::function<int(const Fd&)>& child_main, const std::string& name,
                   const LaunchOptions& options)
    : options_(options) {
  Pipe output, errors, failure;
  std::fflush(nullptr);  // or the child would print again what is still in the buffers
  const pid_t launcher = ::getpid();
  seen_.started = Clock::now();
  {
    const workers::AllSignalsBlocked guard;
    pid_ = ::fork();
    if (pid_ == 0) {
      settle(launcher, options, output, errors);
      guard.restore();
      const int code = child_main(failure.writing);
      std::fflush(nullptr);
      ::_exit(code);
    }
  }
  if (pid_ < 0) throw_errno("fork");
  ::setpgid(pid_, pid_);  // the child does so, too: whoever is first
  if (workers::has_pidfd()) pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  for (Pipe* const pipe : {&output, &errors, &failure}) pipe->writing.close();
  output_ = WorkerOutput(std::move(output.reading), kKeptBytes);
  errors_ = WorkerOutput(std::move(errors.reading), kKeptBytes);
  // Closed by a successful exec, or holds what it failed with.
  int error = 0;
  ssize_t got = 0;
  do got = ::read(failure.reading.get(), &error, sizeof error);
  while (got < 0 && errno == EINTR);
  if (got == sizeof error) {
    reap();
    throw std::system_error(error, std::generic_category(), name + " cannot be started");
  }
}

void Launched::wait_for_something() {
  using std::chrono::milliseconds;
  constexpr milliseconds kWithoutPidfd{1};
  std::optional<Clock::time_point> until;
  const auto at = [&](Clock::time_point time) { until = until ? std::min(*until, time) : time; };
  if (!pidfd_) at(Clock::now() + kWithoutPidfd);
  if (options_.sample_memory) at(next_sample_);
  if (options_.deadline.count() > 0 && !late_) at(seen_.started + options_.deadline);
  int timeout = -1;
  if (until) {
    const auto left = std::chrono::ceil<milliseconds>(*until - Clock::now());
    timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
  }
  std::array<pollfd, 4> fds{pollfd{pidfd_.get(), POLLIN, 0}, pollfd{output_.fd(), POLLIN, 0},
                            pollfd{errors_.fd(), POLLIN, 0},
                            pollfd{options_.signals != nullptr ? options_.signals->fd() : -1, POLLIN, 0}};
  ::poll(fds.data(), fds.size(), timeout);
  if (fds[1].revents != 0 && !output_.take()) output_.close();
  if (fds[2].revents != 0 && !errors_.take()) errors_.close();
}

void Launched::sample() {
  if (Clock::now() < next_sample_) return;
  MemoryPeak& peak = seen_.memory;
  if (const auto sample = sample_memory(pid_)) {
    ++peak.samples;
    if (sample->pss_bytes >= peak.pss_bytes)
      peak = {sample->pss_bytes, sample->private_bytes, sample->windows_bytes, sample->processes, peak.samples};
  }
  next_sample_ = Clock::now() + options_.memory_interval;
}

bool Launched::ended() const {
  siginfo_t info{};  // not reaped yet: while its number is taken, so is the group's
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
}

// What is left of the group would take processor time from the next run.
void Launched::reap() {
  kill_group();
  int status = 0;
  rusage usage{};
  while (::wait4(pid_, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  seen_.ended = Clock::now();
  seen_.user_s = seconds(usage.ru_utime);
  seen_.system_s = seconds(usage.ru_stime);
  seen_.minor_faults = static_cast<std::uint64_t>(usage.ru_minflt);
  seen_.major_faults = static_cast<std::uint64_t>(usage.ru_majflt);
  seen_.voluntary_switches = static_cast<std::uint64_t>(usage.ru_nvcsw);
  seen_.involuntary_switches = static_cast<std::uint64_t>(usage.ru_nivcsw);
  if (WIFSIGNALED(status)) seen_.signal = WTERMSIG(status);
  if (WIFEXITED(status)) seen_.exit_code = WEXITSTATUS(status);
}

Observation Launched::watch() {
  next_sample_ = Clock::now();
  while (!ended()) {
    check_interrupted(options_);
    if (options_.sample_memory) sample();
    if (options_.deadline.count() > 0 && !late_ && Clock::now() >= seen_.started + options_.deadline) {
      late_ = true;
      kill_group();
    }
    wait_for_something();
  }
  reap();
  output_.drain();
  errors_.drain();
  seen_.wall_s = std::chrono::duration<double>(seen_.ended - seen_.started).count();
  seen_.killed_late = late_ && seen_.signal == SIGKILL;
  seen_.output = output_.tail();
  seen_.errors = errors_.tail();
  seen_.other_load = others_.until_now();
  return std::move(seen_);
}

}  // namespace

Observation launch(const std::vector<std::string>& argv, const LaunchOptions& options) {
  std::vector<std::string> words = argv;
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const auto exec = [&](const Fd& failure) {
    ::execvp(pointers[0], pointers.data());
    const int error = errno;
    return ::write(failure.get(), &error, sizeof error) == sizeof error ? kCannotExec : kThrew;
  };
  check_interrupted(options);
  return Launched(exec, argv.at(0), options).watch();
}

Observation launch(const std::function<int()>& body, const LaunchOptions& options) {
  // In release too: a fork beside another thread would hang or corrupt some child, some day.
  if (!workers::is_single_threaded()) throw std::logic_error("only a process with one thread may fork without exec");
  const auto call = [&](const Fd& failure) {
    ::close(failure.get());
    try {
      return body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      return kThrew;
    }
  };
  check_interrupted(options);
  return Launched(call, "a forked child", options).watch();
}

}  // namespace tessera::pipeline
