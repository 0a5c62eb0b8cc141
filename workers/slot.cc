#include "workers/slot.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "workers/proc.h"
#include "workers/slot_context.h"

namespace tessera::workers {
namespace {

void fail(Completion& completion, std::int32_t reason, const char* text) {
  completion = {};
  completion.outcome = Outcome::failed;
  completion.reason = reason;
  set_text(completion, text);
}

void run_guarded(const Run& run, SlotContext& context, Completion& completion) {
  try {
    run(context, completion);
  } catch (const BlockLost& error) {
    fail(completion, kBlockLost, error.what());
  } catch (const std::bad_alloc&) {
    fail(completion, kOutOfMemory, "out of memory");
  } catch (const std::exception& error) {
    fail(completion, kException, error.what());
  } catch (...) {
    fail(completion, kException, "an exception that is not a std::exception");
  }
  if (completion.outcome > Outcome::cancelled || completion.outcome == Outcome::crashed)
    fail(completion, kException, "the job answered with an outcome that is not a job's to give");
  if (completion.outcome != Outcome::cancelled && !context.blocks_still_there())
    fail(completion, kBlockLost, "a block was lost with its worker while the job was reading it");
}

}  // namespace

void set_text(Completion& completion, const char* text) {
  const std::size_t length = std::min(std::strlen(text), completion.payload.size() - 1);
  std::memcpy(completion.payload.data(), text, length);
  completion.payload[length] = std::byte{0};
}

Completion run_job(const Site& site, std::size_t slot, const Job& job, std::span<const Fd> fds,
                   const std::function<void(const Progress&)>& report, const LiveLimits* limits) {
  static_assert(kMaxSlots <= std::numeric_limits<decltype(Completion::slot)>::max() + 1U);
  Completion completion;
  SlotContext context(site, slot, job, fds, report, limits);
  if (context.cancelled())
    completion.outcome = Outcome::cancelled;
  else
    run_guarded(site.run, context, completion);
  if (completion.outcome == Outcome::cancelled && context.exceeded() != 0) {
    completion.outcome = Outcome::timed_out;
    completion.reason = context.exceeded();
  }
  completion.id = job.id;
  completion.signal = 0;
  completion.breadcrumb = 0;
  completion.suspects = 0;
  completion.slot = static_cast<std::uint8_t>(slot);
  completion.unused = {};
  completion.cpu_ns = context.cpu_ns();
  return completion;
}

}  // namespace tessera::workers
