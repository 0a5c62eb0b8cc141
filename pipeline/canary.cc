#include "pipeline/canary.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <deque>
#include <map>
#include <numeric>
#include <optional>

#include "pipeline/cpu_count.h"
#include "workers/executor.h"
#include "workers/fd.h"

namespace tessera::pipeline {
using workers::Completion;
using workers::Outcome;

namespace {

constexpr std::uint64_t kBudget = 64 << 20;  // of windows, which no case uses
constexpr std::uint64_t kWorkerBytes = 1 << 30;
constexpr std::uint32_t kPatienceMs = 60'000;

struct Answer {
  Hash128 hash{};
  std::string error;
};

std::string sentence_of(const Completion& completion) {
  if (completion.outcome == Outcome::failed) return failure_text(completion);
  if (completion.outcome == Outcome::timed_out) return "it takes longer than a minute";
  if (completion.outcome != Outcome::crashed) return "its worker answered with something else";
  if (completion.signal == SIGSYS) return "it makes a system call that the sandbox does not allow";
  return completion.signal != 0
             ? fmt::format("its worker died of signal {} ({})", completion.signal, strsignal(completion.signal))
             : fmt::format("its worker left with exit code {}", completion.reason);
}

/// All cases in one worker, as many at a time as it has threads.
class Flight {
 public:
  Flight(std::span<const CanaryCase> cases, workers::Sandbox sandbox, int threads)
      : answers_(cases.size()), force_(make_force(cases, sandbox, threads)) {
    for (std::size_t i = 0; i < cases.size(); ++i) waiting_.push_back(i);
  }

  std::vector<Answer> run() {
    while (!waiting_.empty() || !running_.empty() || !alone_.empty()) {
      start_some();
      std::vector<workers::Event> events;
      force_.executor->wait(events, workers::Clock::now() + std::chrono::seconds(1));
      for (const workers::Event& event : events)
        if (const auto* const completion = std::get_if<Completion>(&event)) take(*completion);
    }
    return std::move(answers_);
  }

 private:
  static workers::Workforce make_force(std::span<const CanaryCase> cases, workers::Sandbox sandbox, int threads) {
    const workers::ExecutorOptions options{workers::ExecutorOptions::Mode::processes, 1, threads, sandbox,
                                           kWorkerBytes};
    return workers::make_workforce(options, kBudget, [cases](workers::JobContext& context, Completion& completion) {
      put_payload(cases[context.job().id % cases.size()].run(context.fd(0)), completion.payload);
    });
  }

  void start_some() {
    while (force_.executor->workers()[0].idle_slots > 0) {
      if (!waiting_.empty()) {
        start(waiting_.front());
        waiting_.pop_front();
      } else if (!alone_.empty() && running_.empty()) {
        tried_alone_ = start(alone_.front());
        alone_.pop_front();
        return;
      } else {
        return;
      }
    }
  }

  std::uint64_t start(std::size_t index) {
    const workers::Fd file = workers::checked_fd(memfd_create("tessera-canary", MFD_CLOEXEC), "memfd_create");
    workers::Job job;
    job.id = ++round_ * answers_.size() + index;
    running_.emplace(job.id, index);
    workers::Limits limits;
    limits.wall_ms = kPatienceMs;
    const int fd = file.get();
    force_.executor->start(1, job, {&fd, 1}, limits);
    return job.id;
  }

  void take(const Completion& completion) {
    const auto found = running_.find(completion.id);
    const std::size_t index = found->second;
    const bool died = completion.outcome == Outcome::crashed || completion.outcome == Outcome::interrupted;
    // A death takes everything along that the worker held: what was not alone is tried again alone.
    running_.erase(found);
    if (died && completion.id != tried_alone_) {
      alone_.push_back(index);
      return;
    }
    if (completion.outcome == Outcome::done)
      answers_[index].hash = get_payload<Hash128>(completion.payload);
    else
      answers_[index].error = sentence_of(completion);
  }

  std::vector<Answer> answers_;
  workers::Workforce force_;
  std::deque<std::size_t> waiting_, alone_;
  std::map<std::uint64_t, std::size_t> running_;  // job -> case
  std::uint64_t round_ = 0, tried_alone_ = 0;
};

}  // namespace

std::vector<CanaryResult> run_canary(std::span<const CanaryCase> cases, workers::Sandbox sandbox,
                                     std::span<const int> thread_counts) {
  const std::vector<Answer> outside = Flight(cases, workers::Sandbox::off, 1).run();
  std::vector<CanaryResult> results;
  for (const int threads : thread_counts) {
    const std::vector<Answer> inside = Flight(cases, sandbox, threads).run();
    for (std::size_t i = 0; i < cases.size(); ++i) {
      std::string error = inside[i].error;
      if (error.empty() && (!outside[i].error.empty() || inside[i].hash != outside[i].hash))
        error = "it gives other pixels than without a sandbox";
      results.push_back({cases[i].what, threads, error});
    }
  }
  return results;
}

std::vector<int> canary_thread_counts() { return {1, 2, std::max(4, usable_cpus())}; }

}  // namespace tessera::pipeline
