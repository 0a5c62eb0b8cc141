#include "pipeline/compare/cost_methods.h"

#include <fmt/format.h>

#include "pipeline/compare/figures.h"
#include "workers/channel.h"
#include "workers/mapping.h"

namespace tessera::pipeline {

std::string create_method() {
  return "From the call that creates until the wait for the end returns, seen by the one who creates. Each in "
         "a fresh helper process; thread, fork and posix_spawn in turn. The curves: the helper first writes "
         "to so much private memory of its own, in pages of the usual size (no huge pages, of which a parent "
         "needs fewer); x is what it has in private memory then. The child of a fork does nothing but _exit. "
         "The task: from giving it to a oneTBB thread, which runs or spins or sleeps as oneTBB likes, until "
         "the giver, who slept meanwhile, has been told of its end.";
}

std::string handover_method(const CostPlan& plan) {
  return fmt::format(
      "From the moment when a frame is finished in the giver's memory until the taker has read a byte of "
      "every page of it. The taker waits asleep, on another CPU where there are two; waking it is part of "
      "the time. The giver fills the frame anew each time, the taker compares a sum of all words outside "
      "that time, and a wrong frame ends the measurement. Buffers are the same each time, so their pages "
      "are there. Handle: the frame is finished in a shared window that both have mapped, and a message of "
      "{} bytes says where it lies; mapped anew: the taker maps the window for each frame. File: one "
      "without a name in {}, emptied before, written, read back from the page cache, never synced. All "
      "ways in turn.",
      sizeof(workers::Message), plan.folder);
}

std::string wakeup_method(const CostPlan& plan) {
  return fmt::format(
      "Half a round trip: one rings and sleeps, the other sleeps, wakes and rings back; each sample is the "
      "mean of {} round trips. Both are bound to one CPU, or to one each. The futex sleeps at once and "
      "never spins. All kinds in turn.",
      plan.round_trips);
}

std::string sharing_method(const CostPlan& plan) {
  return fmt::format(
      "{} increments by each of 1 to {} threads, all started together, each bound to a CPU of its own as "
      "far as there are any; from the start until the last has done, divided by the increments of one "
      "thread. The three without a mutex use the same instruction (an atomic addition) and differ in where "
      "the counters lie; afterwards no increment may be missing. All ways in turn.",
      count_text(static_cast<double>(plan.increments)), plan.threads);
}

std::string pages_method(const CostPlan& plan) {
  return fmt::format(
      "A byte is written to each page of {} of memory, and the time divided by the number of pages ({} "
      "bytes each; huge pages are switched off for this memory). After fork: a child writes while its "
      "parent holds the same pages, then the parent writes when the child is gone. Making and giving back "
      "the memory is not counted. All kinds in turn.",
      bytes_text(static_cast<double>(plan.page_bytes)), workers::page_bytes());
}

}  // namespace tessera::pipeline
