#include "workers/child.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "workers/signal_guard.h"
#include "workers/thread_count.h"

namespace tessera::workers {
namespace {

// The declarations of <sys/pidfd.h> in glibc 2.36 are not extern "C".
int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }
void send_signal(int pidfd, int signal) { ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0); }

}  // namespace

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = other.pid_;
    pidfd_ = std::move(other.pidfd_);
    channel_ = std::move(other.channel_);
    output_ = std::move(other.output_);
  }
  return *this;
}

Child Child::fork_worker(const WorkerSetup& setup) {
  auto [ours, theirs] = Channel::make_pair();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe2");
  Fd reading(ends[0]), writing(ends[1]);
  WorkerOutput output(std::move(reading));
  std::fflush(nullptr);  // or every child would print again what is still in the buffers
  // In release too: a fork beside another thread would hang or corrupt some child, some day.
  if (!is_single_threaded()) throw std::logic_error("a worker may be forked only by a process with one thread");
  const pid_t coordinator = ::getpid();
  Child child;
  {
    const AllSignalsBlocked guard;
    child.pid_ = ::fork();
    if (child.pid_ == 0) run_worker(setup, std::move(theirs), std::move(writing), coordinator);
  }
  if (child.pid_ < 0) throw_errno("fork of a worker");
  child.pidfd_ = Fd(open_pidfd(child.pid_));
  if (!child.pidfd_) {
    const int error = errno;
    ::kill(child.pid_, SIGKILL);  // not reaped yet, so the number is still this child's
    ::waitpid(child.pid_, nullptr, 0);
    throw std::system_error(error, std::generic_category(), "pidfd_open of a worker");
  }
  child.channel_ = std::move(ours);
  child.output_ = std::move(output);
  return child;
}

void Child::kill() const noexcept {
  if (pidfd_) send_signal(pidfd_.get(), SIGKILL);
}

std::optional<Death> Child::reap() const {
  siginfo_t info{};
  int result = 0;
  do result = ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG);
  while (result != 0 && errno == EINTR);
  if (result != 0) {
    if (errno == ECHILD) return Death{0, -1};  // somebody else reaped it, or SIGCHLD is ignored
    throw_errno("waitid of a worker");
  }
  if (info.si_pid == 0) return std::nullopt;
  if (info.si_code == CLD_EXITED) return Death{0, info.si_status};
  return Death{info.si_status, 0};
}

void Child::forget() noexcept {
  pid_ = 0;
  pidfd_.close();
  channel_ = Channel();
  output_ = WorkerOutput();
}

void Child::end() noexcept {
  if (!pidfd_) return;
  kill();
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
  forget();
}

}  // namespace tessera::workers
