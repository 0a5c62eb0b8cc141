// A forked worker as the coordinator sees it: a process id that cannot be mistaken (pidfd), a channel, and what it
// writes.
#pragma once

#include <sys/types.h>

#include <optional>

#include "workers/channel.h"
#include "workers/fd.h"
#include "workers/worker_output.h"
#include "workers/worker_process.h"

namespace tessera::workers {

/// How a process ended.
struct Death {
  int signal = 0, exit_code = 0;
};

/// Move-only; the destructor kills and reaps what is still running.
class Child {
 public:
  Child() = default;
  Child(Child&&) noexcept = default;
  Child& operator=(Child&&) noexcept;
  ~Child() { end(); }

  /// Forks. The caller must have exactly one thread (asserted): a child has only the forking one, and every lock that
  /// another thread held stays locked for ever. Throws std::system_error.
  static Child fork_worker(const WorkerSetup&);

  /// SIGKILL; nothing when it is dead already.
  void kill() const noexcept;
  /// Empty while it lives. To be called once with success.
  std::optional<Death> reap() const;

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  const Channel& channel() const { return channel_; }
  WorkerOutput& output() { return output_; }
  explicit operator bool() const { return static_cast<bool>(pidfd_); }
  /// It has been reaped: lets go of the descriptors.
  void forget() noexcept;

 private:
  void end() noexcept;
  pid_t pid_ = 0;
  Fd pidfd_;
  Channel channel_;
  WorkerOutput output_;
};

}  // namespace tessera::workers
