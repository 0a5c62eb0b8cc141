// Where jobs run. Four arrangements behind one contract, so that whoever hands out work need not know which it is:
//   serial      one slot, in wait()
//   threads     T slots in this process, oneTBB threads; private memory, no isolation
//   processes   P forked workers with one slot each; each writes its own window only
//   hybrid      P forked workers with T slots (oneTBB threads) each
// One job = one slot = one thread, always. A worker that dies answers each job it held with `crashed`, is reaped, its
// window forgotten, and a fresh one takes its place.
// A job that runs past its limits is stopped, if need be with its worker. What it does not do: choose, queue, retry.
//
// Private memory of a forked worker (RLIMIT_DATA, which windows do not count against) is limited to
//   what it had when ready + 64 MiB + 96 MiB a slot + max(worker_bytes, sum of private_bytes of its running jobs)
// The constants are what malloc (M_TRIM_THRESHOLD 64 MiB) and a job's warm buffers (32 MiB) keep between jobs. Beyond
// it an allocation fails, which is `failed` with kOutOfMemory, and the worker goes on; but what a job allocated in
// small pieces may stay with its thread's heap, so whoever sees kOutOfMemory had better retire the worker. Sanitizer
// builds have no such limit. A worker that fills its window 64 MiB beyond what was leased there is killed as one that
// breaks the protocol is, within about 250 ms.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "workers/arena.h"
#include "workers/job.h"
#include "workers/job_context.h"
#include "workers/sandbox.h"

namespace tessera::workers {

class Executor {
 public:
  struct Worker {
    std::uint32_t window = 0;
    int slots = 1;
    int idle_slots = 1;      // 0 while it is being retired or replaced
    bool isolated = false;   // its death is not ours
    std::uint64_t jobs = 0;  // that this worker has been given since it was forked
  };
  virtual ~Executor() = default;
  virtual std::span<const Worker> workers() const = 0;
  /// Needs an idle slot of that worker. The descriptors are borrowed: the caller may close them on return.
  virtual void start(std::uint32_t window, const Job&, std::span<const int> fds, const Limits& = {}) = 0;
  /// New limits for a running job, counted from its start as before. Nothing when it has ended. A Progress of the job
  /// that has arrived is handed over before the job is judged, so that limits can still be raised for it. In serial
  /// mode a job runs inside wait(): its limits can be changed before that and not while it runs.
  virtual void set_limits(std::uint64_t job, const Limits&) = 0;
  /// Private memory that the worker holds now (resident, not shared), beyond what it had when it was ready; bytes. 0
  /// where workers are not isolated.
  virtual std::uint64_t grown_bytes(std::uint32_t window) const = 0;
  /// Polls readable when wait() has something to do: a deadline, too. Whoever polls it must call wait() then, as time
  /// in which nobody does counts as a pause once it is longer than a second.
  virtual int ready_fd() const = 0;
  /// Appends what happened; returns at the first event, when a replaced worker has become idle (no event), or at
  /// `until`. One completion for each started job, ever; those that stop() brought about can be had after it. Throws
  /// std::runtime_error when fresh workers keep dying before they are ready.
  virtual void wait(std::vector<Event>& out, Clock::time_point until) = 0;
  /// Polite: the job sees JobContext::cancelled(). It still completes (as cancelled, or whatever it came to).
  virtual void cancel(std::uint64_t job) = 0;
  /// Once its jobs are done, end this worker and start a fresh one (grown, suspect, or every N images): it takes no
  /// more jobs, and WindowLost tells when it is gone. Does nothing where workers are not isolated.
  virtual void retire(std::uint32_t window) = 0;
  /// No start() after this. Waits for running jobs until then, kills what is left, reaps everybody. A job in this
  /// process cannot be killed: it is cancelled and waited for. Afterwards ready_fd() is -1.
  virtual void stop(Clock::time_point drain_until) = 0;

  struct Traffic {
    std::uint64_t messages_sent = 0, messages_received = 0, bytes = 0, forks = 0, deaths = 0;
  };
  virtual Traffic traffic() const = 0;
};

struct ExecutorOptions {
  enum class Mode : std::uint8_t { serial, threads, processes } mode = Mode::processes;
  int workers = 1;                     // processes
  int threads = 1;                     // slots per worker (processes: > 1 is hybrid), or of this process (threads)
  Sandbox sandbox = Sandbox::require;  // of forked workers
  /// Private memory that a worker may allocate beside what it has when it is ready; jobs that are granted more raise it
  /// while they run. 0: the budget divided by the workers.
  std::uint64_t worker_bytes = 0;
};

/// Windows, arena and executor of one run: made together because they belong together, ended in the right order.
/// `run` is inherited by forked workers as it is here: everything it needs must exist before this call. The caller
/// must have one thread (asserted before each fork). Returns when the workers are ready; throws std::invalid_argument
/// for senseless options, std::system_error and std::runtime_error when the system will not have it.
struct Workforce {
  std::unique_ptr<Windows> windows;
  std::unique_ptr<Arena> arena;
  std::unique_ptr<Executor> executor;
};
Workforce make_workforce(const ExecutorOptions&, std::uint64_t budget_bytes, Run run);

}  // namespace tessera::workers
