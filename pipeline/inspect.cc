#include "pipeline/inspect.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <utility>

#include "pipeline/runner.h"

#include "pipeline/open_input.h"

namespace tessera::pipeline {
using workers::Completion;
using workers::Outcome;

namespace {

constexpr std::uint32_t kMaxInterruptions = 16;

// Job ids are unique in a run, which may inspect more than once, and counts its own jobs from 1.
std::uint64_t next_id() {
  static std::uint64_t next = std::uint64_t{1} << 63;
  return next++;
}

workers::Fd open_input(const std::string& path, Inspection& result) {
  workers::Fd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd) {
    result.error = sentence_of_open(errno);
    return fd;
  }
  struct stat s {};
  fstat(fd.get(), &s);
  if (!S_ISREG(s.st_mode)) {
    result.error = "it is not a regular file";
    return {};
  }
  result.bytes = static_cast<std::uint64_t>(s.st_size);
  return fd;
}

void collect(const Completion& completion, JobKind kind, Inspection& result) {
  switch (completion.outcome) {
    case Outcome::done: {
      const auto payload = get_payload<CompletionPayload>(completion.payload);
      if (kind != JobKind::hash && !plausible(payload.header)) {
        result.error = "its worker answered with an impossible header";
        return;
      }
      result.header = payload.header;
      result.hash = payload.source_hash;
      return;
    }
    case Outcome::crashed:
      result.error = fmt::format("its worker died (signal {})", completion.signal);
      return;
    case Outcome::timed_out:
      result.error = "it took too long; --timeout allows more";
      return;
    case Outcome::interrupted:
      result.error = "its workers kept being killed for other files";
      return;
    default:
      result.error = failure_text(completion);
  }
}

}  // namespace

std::vector<Inspection> inspect(workers::Executor& executor, JobKind kind, std::span<const std::string> paths,
                                const InspectLimits& limits) {
  std::vector<Inspection> results(paths.size());
  std::map<std::uint64_t, std::size_t> running;  // job -> index
  std::size_t next = 0;
  std::vector<workers::Event> events;
  std::vector<std::size_t> again;
  const bool isolated = executor.workers().front().isolated;
  const auto limits_of = [&](std::uint64_t pixels) {
    return limits_there(limits.time, limits_for(limits.time, pixels, 1, limits.private_bytes), isolated);
  };
  const auto more = [&] { return next < paths.size() || !again.empty(); };
  while (more() || !running.empty()) {
    for (bool started = true; started && more();) {
      started = false;
      for (const auto& worker : executor.workers()) {
        if (worker.idle_slots == 0) continue;
        const std::size_t index = again.empty() ? next++ : again.back();
        if (!again.empty()) again.pop_back();
        started = true;
        const workers::Fd fd = open_input(paths[index], results[index]);
        if (!fd) break;
        JobPayload payload;
        payload.kind = kind;
        payload.max_pixels = limits.max_pixels;
        workers::Job job;
        job.id = next_id();
        put_payload(payload, job.payload);
        const std::array<int, 1> fds{fd.get()};
        running.emplace(job.id, index);
        executor.start(worker.window, job, fds, limits_of(0));
        break;
      }
    }
    if (running.empty()) continue;
    events.clear();
    executor.wait(events, workers::Clock::now() + std::chrono::seconds(1));
    for (const workers::Event& event : events) {
      if (const auto* progress = std::get_if<workers::Progress>(&event)) {
        const std::uint64_t most = limits.max_pixels > 0 ? limits.max_pixels : kMaxOutputPixels;
        const std::uint64_t pixels = pixels_claimed(progress->value, most);
        executor.set_limits(progress->id, limits_of(pixels));
      }
      const auto* completion = std::get_if<Completion>(&event);
      if (!completion) continue;
      const auto found = running.find(completion->id);
      const std::size_t index = found->second;
      running.erase(found);
      // A crash may be a neighbour's fault: once more.
      if (completion->outcome == Outcome::crashed && !results[index].retried) {
        results[index].retried = true;
        again.push_back(index);
      } else if (completion->outcome == Outcome::interrupted && results[index].interruptions++ < kMaxInterruptions) {
        again.push_back(index);
      } else {
        collect(*completion, kind, results[index]);
      }
    }
  }
  return results;
}

std::vector<Inspection> inspect_headers(std::shared_ptr<const Recipe> recipe, workers::Sandbox sandbox,
                                        std::span<const std::string> paths, const InspectLimits& limits) {
  workers::ExecutorOptions options;
  options.sandbox = sandbox;
  const workers::Workforce workforce =
      workers::make_workforce(options, kInspectorBytes, make_runner(std::move(recipe), {}, 1));
  return inspect(*workforce.executor, JobKind::info, paths, limits);
}

}  // namespace tessera::pipeline
