// How an image's jobs come out, and what a bad end of one means: once more, once more alone, or the image's end.
//   crashed      once more, alone; a second time it is quarantined. A forbidden system call of a job that had its
//                worker to itself: at once
//   timed out    by its processor time: failed. By the clock: once more, alone, for the machine may have been at fault
//   interrupted  another job was killed together with its worker: starts again, unblamed; from the second time on alone
//   failed       out of memory: once more, alone, with all the memory that a job may have. Input changed, descriptors
//                lost: once more. Blocks lost with somebody else's worker: starts again, unblamed
#include <fmt/format.h>

#include <cassert>
#include <csignal>
#include <cstring>

#include "pipeline/breadcrumb.h"
#include "pipeline/image_task.h"
#include "pipeline/printable.h"

namespace tessera::pipeline {
using workers::Completion;
using workers::Outcome;

namespace {
// Nobody's fault, but workers are not believed for ever.
constexpr std::uint32_t kMaxLosses = 16;

std::string seconds(std::uint32_t ms) { return fmt::format("{:.{}f} s", ms / 1000.0, ms < 10'000 ? 1 : 0); }

std::string how_it_died(const Completion& completion) {
  return completion.signal != 0 ? fmt::format("signal {} ({})", completion.signal, strsignal(completion.signal))
                                : fmt::format("exit code {}", completion.reason);
}
}  // namespace

void ImageTask::advance(const Completion& completion, Running& job) {
  if (job.kind == JobKind::drop) return;  // nothing is expected of it, and it cannot be to blame
  // Blocks that went with the worker may have started the image again already: the death counts all the same.
  if (completion.outcome == Outcome::crashed) return crashed(completion, job);
  if (completion.outcome == Outcome::timed_out) return timed_out(completion, job);
  if (job.epoch != epoch_) return;  // from before a restart
  switch (completion.outcome) {
    case Outcome::failed:
      return failed(completion, job);
    case Outcome::cancelled:
      return end({Terminal::Kind::failed, "cancelled", FailReason::cancelled});
    case Outcome::interrupted:
      // A second time it gets a worker of its own, where nobody else can be the reason.
      if (losses_ > 0) alone_ = true;
      if (losses_++ < kMaxLosses) return restart();
      return end({Terminal::Kind::failed, "its workers kept being killed for other images", FailReason::interrupted});
    case Outcome::done:
    case Outcome::declined:
    case Outcome::crashed:
    case Outcome::timed_out:
      break;
  }
  job.kind == JobKind::whole ? on_whole(completion) : on_spread(completion, job);
}

void ImageTask::crashed(const Completion& completion, const Running& job) {
  if (job.epoch < blameless_) return;  // several of its jobs died in one worker: one death
  blameless_ = job.epoch + 1;
  ++result_.crashes;
  note_failure(completion, job);
  if (completion.signal == SIGSYS && (completion.suspects == 1 || attempt_ > 0))
    return end(
        {Terminal::Kind::quarantined,
         fmt::format("its worker asked the system for what no worker may have (signal {}), while {}", SIGSYS, where()),
         FailReason::policy});
  if (++attempt_ >= 2)
    return end({Terminal::Kind::quarantined,
                fmt::format("its worker died twice with it: {}, while {}", how_it_died(completion), where()),
                FailReason::crashed});
  alone_ = true;
  restart();
}

void ImageTask::timed_out(const Completion& completion, const Running& job) {
  if (job.epoch < blameless_) return;
  blameless_ = job.epoch + 1;
  note_failure(completion, job);
  if (completion.reason == workers::kWallTime && stalls_++ == 0) {
    alone_ = true;
    return restart();
  }
  const bool by_clock = completion.reason == workers::kWallTime;
  end({Terminal::Kind::failed,
       fmt::format("it took longer than {} of {}, while {}; --timeout allows more",
                   seconds(by_clock ? job.limits.wall_ms : job.limits.cpu_ms),
                   by_clock ? "time, twice" : "processor time", where()),
       FailReason::timeout});
}

void ImageTask::failed(const Completion& completion, const Running& job) {
  const FailReason reason = reason_of(completion);
  if (reason == FailReason::block_lost && losses_++ < kMaxLosses) return restart();
  if (reason == FailReason::changed) return input_changed(failure_text(completion));
  if (reason == FailReason::no_descriptors && misfits_++ == 0) return restart();
  if (reason == FailReason::out_of_memory) {
    if (shortages_++ == 0) {
      alone_ = all_memory_ = true;
      return restart();
    }
    note_failure(completion, job);
    return end({Terminal::Kind::failed,
                "its worker ran out of memory, with all that a job may have; raise --memory, or --worker-memory if it "
                "is given",
                reason});
  }
  end({Terminal::Kind::failed, failure_text(completion), reason});
}

void ImageTask::input_changed(std::string sentence) {
  if (changes_++ == 0) return restart();
  end({Terminal::Kind::failed, std::move(sentence), FailReason::changed});
}

void ImageTask::note_failure(const Completion& completion, const Running& job) {
  FailureBundle bundle;
  bundle.signal = completion.signal;
  if (completion.breadcrumb != 0) {
    bundle.step = to_string(step_of(completion.breadcrumb));
    bundle.stage = stage_name(*recipe_, completion.breadcrumb);
  }
  bundle.output = printable(job.last_words, true);
  bundle.attempts = result_.jobs;
  result_.failure = std::move(bundle);
}

std::string ImageTask::where() const {
  const FailureBundle& bundle = *result_.failure;
  if (!bundle.stage.empty()) return fmt::format("running {}", bundle.stage);
  return bundle.step.empty() ? "starting" : bundle.step;
}

std::optional<workers::Limits> ImageTask::on(const workers::Progress& progress) {
  const auto found = running_.find(progress.id);
  if (found == running_.end() || found->second.kind != JobKind::whole || whole_pixels_ > 0) return std::nullopt;
  const std::uint64_t most = settings_.max_pixels > 0 ? settings_.max_pixels : kMaxOutputPixels;
  workers::Limits& limits = found->second.limits;
  const std::uint64_t private_bytes = limits.private_bytes;
  limits = limits_of(pixels_claimed(progress.value, most), steps_of(*recipe_));
  limits.private_bytes = private_bytes;
  return limits;
}

void ImageTask::lost(std::uint32_t window, std::string_view output) {
  for (auto& [id, job] : running_)
    if (job.window == window) job.last_words = output;
  wishes_.clear();
  std::erase_if(dropped_, [window](const KeptThere& kept) { return kept.window == window; });
  if (state_ != State::spread || terminal_) return;
  if (!holds(window)) return;
  if (decoder_ && decoder_->window == window) decoder_.reset();
  for (PassState& pass : passes_)
    if (pass.encoder && pass.encoder->window == window) pass.encoder.reset();
  restart();
}

}  // namespace tessera::pipeline
