#include "workers/worker_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "workers/call_filter.h"
#include "workers/fault_point.h"
#include "workers/handover.h"
#include "workers/slot.h"
#include "workers/slot_threads.h"

namespace tessera::workers {
namespace {

constexpr int kChannelFd = 3;
constexpr auto kThreadsMustBegin = std::chrono::seconds(10);

[[noreturn]] void give_up(int code, const char* why) noexcept {
  try {
    const std::string line = fmt::format("tessera worker {}: {}\n", ::getpid(), why);
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  } catch (...) {
    // Without memory for the sentence the exit code has to do.
  }
  ::_exit(code);
}

/// The signal is sent when the parent dies from now on; a parent that is dead already is seen by its pid.
void die_with_parent(int parent_pid) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) throw_errno("prctl(PR_SET_PDEATHSIG)");
  if (::getppid() != parent_pid) ::_exit(kExitSetup);
}

/// Ctrl-C goes to the whole process group: the coordinator decides what it means.
void take_default_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(number, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// A job that calls exit(n) must not run the handlers and destructors that the parent registered. Handlers run in
/// reverse order of registration, so this one comes before all of those.
void leave_only_by_exit_now() {
  ::on_exit([](int status, void*) { ::_exit(status); }, nullptr);
}

/// Nothing of a worker reaches the terminal: what it writes is for the report of its failure. Unbuffered, so that it is
/// there when the worker dies.
void redirect_standard_descriptors(Fd output) {
  const Fd null = checked_fd(::open("/dev/null", O_RDWR | O_CLOEXEC), "open of /dev/null");
  if (::dup2(output.get(), STDERR_FILENO) < 0 || ::dup2(output.get(), STDOUT_FILENO) < 0 ||
      ::dup2(null.get(), STDIN_FILENO) < 0)
    throw_errno("dup2");
  std::setvbuf(stdout, nullptr, _IONBF, 0);
}

/// Beside the standard descriptors the channel, as kChannelFd, and that is all.
Channel keep_only_the_channel(Fd channel, Windows& windows) {
  windows.close_descriptors();
  const int high = ::fcntl(channel.get(), F_DUPFD_CLOEXEC, kChannelFd + 1);
  if (high < 0) throw_errno("fcntl(F_DUPFD_CLOEXEC)");
  channel.release();  // its number may be the one that is replaced now
  if (::dup3(high, kChannelFd, O_CLOEXEC) < 0) throw_errno("dup3");
  if (::close_range(kChannelFd + 1, ~0U, 0) != 0) throw_errno("close_range");
  return Channel(Fd(kChannelFd));
}

/// The kernel's choice under memory pressure should be a worker, which costs one image, and not the coordinator.
void volunteer_for_oom() {
  const Fd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  [[maybe_unused]] const auto written = ::write(file.get(), "800", 3);  // a hint: refused in some containers
}

class Worker {
 public:
  Worker(const WorkerSetup& setup, Windows::View view, Channel channel)
      : setup_(setup),
        view_(std::move(view)),
        site_{view_, BoardReader(view_.readable(kBoard), view_.count()), setup.window, setup.slots, setup.run},
        channel_(std::move(channel)) {}

  /// `filtered`: what enter_sandbox() said.
  [[noreturn]] void run(bool filtered) {
    if (setup_.slots == 1) {
      announce();
      serve(0);
      ::_exit(kExitEnd);
    }
    SlotThreads threads(setup_.slots, [this](std::size_t slot) { serve_or_give_up(slot); });
    if (!threads.wait_until_begun(kThreadsMustBegin)) give_up(kExitSetup, "could not start as many threads as slots");
    if (filtered) refuse_more_threads();
    announce();
    threads.wait_until_ended();
    ::_exit(kExitEnd);
  }

 private:
  void announce() {
    fault_point("worker.before_ready");
    send(make_message(MessageType::ready, setup_.window, setup_.generation));
    fault_point("worker.after_ready");
  }

  void serve_or_give_up(std::size_t slot) noexcept {
    try {
      serve(slot);
    } catch (const std::exception& error) {
      give_up(kExitChannel, error.what());
    }
  }

  void serve(std::size_t slot) {
    Message message;
    std::vector<Fd> fds;
    for (;;) {
      const Channel::Received received = channel_.receive(message, fds, Channel::Wait::block);
      if (received == Channel::Received::closed) return;
      const bool lost = received == Channel::Received::descriptors_lost;
      if (!lost && received != Channel::Received::message) give_up(kExitChannel, "not a message");
      const Job job = checked_job(message);
      fault_point("worker.assigned");
      after_handover();  // what another slot wrote for it was announced to the coordinator, and so to us
      const Completion completion = lost ? without_descriptors(job) : run(slot, job, fds);
      fds.clear();  // before the coordinator can know that the job is done
      before_handover();
      fault_point("worker.before_done");
      send(make_message(MessageType::completion, setup_.window, setup_.generation, completion));
      fault_point("worker.after_done");
    }
  }

  Completion run(std::size_t slot, const Job& job, std::span<const Fd> fds) {
    return run_job(site_, slot, job, fds, [this](const Progress& progress) {
      // A claim, not an answer: dropped when the coordinator is behind.
      channel_.send(make_message(MessageType::progress, setup_.window, setup_.generation, progress), {},
                    Channel::Wait::no);
    });
  }

  Job checked_job(const Message& message) const {
    const Job job = message.as<Job>();
    if (message.type != MessageType::job || message.window != setup_.window ||
        message.generation != setup_.generation || job.id == 0 || job.block_count > kMaxBlocks)
      give_up(kExitChannel, "not a job for this worker");
    return job;
  }

  static Completion without_descriptors(const Job& job) {
    Completion completion;
    completion.id = job.id;
    completion.outcome = Outcome::failed;
    completion.reason = kNoDescriptors;
    set_text(completion, "the worker has no room for the job's file descriptors");
    return completion;
  }

  void send(const Message& message) {
    if (channel_.send(message, {}, Channel::Wait::block) != Channel::Sent::sent) ::_exit(kExitChannel);
  }

  const WorkerSetup& setup_;
  Windows::View view_;
  Site site_;
  Channel channel_;
};

}  // namespace

void run_worker(const WorkerSetup& setup, Channel channel, Fd output, int parent_pid) noexcept {
  try {
    die_with_parent(parent_pid);
    redirect_standard_descriptors(std::move(output));
    fault_point("worker.forked");
    take_default_signals();
    leave_only_by_exit_now();
    Windows::View view = setup.windows.map_for(setup.window);
    volunteer_for_oom();
    channel = keep_only_the_channel(channel.release(), setup.windows);
    const bool filtered = enter_sandbox(setup.sandbox, setup.slots, kChannelFd);
    fault_point("worker.sandboxed");
    Worker(setup, std::move(view), std::move(channel)).run(filtered);
  } catch (const std::exception& error) {
    give_up(kExitSetup, error.what());
  }
}

}  // namespace tessera::workers
