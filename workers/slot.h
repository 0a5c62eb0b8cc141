// A place where one job runs at a time, the same in every executor: gives the job its JobContext, turns exceptions
// into data, measures CPU time, leaves the trace that is read after a crash. Knows no channel and no thread pool.
#pragma once

#include <functional>
#include <span>

#include "workers/board.h"
#include "workers/fd.h"
#include "workers/job_context.h"
#include "workers/live_limits.h"
#include "workers/status_page.h"
#include "workers/window.h"

namespace tessera::workers {

/// What the slots of one worker share. Everything referred to must outlive them.
struct Site {
  const Windows::View& view;
  BoardReader board;
  std::uint32_t window;
  std::size_t slots;
  const Run& run;
};

/// Puts text at the start of the payload, cut to fit, always zero-terminated.
void set_text(Completion&, const char* text);

/// Runs the job in the calling thread. Never throws what the job threw. `report` takes its progress; it is called in
/// the same thread. With `limits` the job sees that it is cancelled when it is over them, and is answered for then as
/// timed_out; a forked worker is told of none.
Completion run_job(const Site&, std::size_t slot, const Job&, std::span<const Fd> fds,
                   const std::function<void(const Progress&)>& report, const LiveLimits* limits = nullptr);

}  // namespace tessera::workers
