#include "workers/slot_context.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "workers/proc.h"

namespace tessera::workers {
namespace {

// A job may call progress() for every row; whoever listens draws at most this often.
constexpr auto kReportInterval = std::chrono::milliseconds(10);

}  // namespace

SlotContext::SlotContext(const Site& site, std::size_t slot, const Job& job, std::span<const Fd> fds,
                         const std::function<void(const Progress&)>& report, const LiveLimits* limits)
    : site_(site),
      slot_(slot),
      job_(job),
      fds_(fds),
      report_(report),
      limits_(limits),
      cpu_base_ns_(own_cpu_ns()),
      began_(Clock::now()),
      status_(slot_status(site.view.writable(site.window), slot)) {
  status_.breadcrumb.store(0, std::memory_order_relaxed);
  status_.thread.store(static_cast<std::uint64_t>(::gettid()), std::memory_order_relaxed);
  status_.cpu_base.store(cpu_base_ns_, std::memory_order_relaxed);
  status_.job.store(job.id, std::memory_order_release);
}

SlotContext::~SlotContext() { status_.job.store(0, std::memory_order_release); }

/// Offsets below the window's reserved part are nobody's to name: the status page and the board's header.
void SlotContext::check(const Block& block, std::uint64_t capacity) const {
  const std::uint32_t current = site_.board.generation(block.window);
  if (block.generation != current)
    throw BlockLost(fmt::format("The block is of generation {} of window {}, which is at generation {} now.",
                                block.generation, block.window, current));
  const std::uint64_t first = block.window == kBoard ? board_header_bytes(site_.board.windows()) : status_page_bytes();
  if (block.offset < first || block.offset > capacity || block.bytes > capacity - block.offset)
    throw BlockError(fmt::format("{} bytes at offset {} lie outside what can be leased in window {}.", block.bytes,
                                 block.offset, block.window));
}

ReadBytes SlotContext::read(const Block& block) const {
  if (block.window > site_.view.count())
    throw BlockError(fmt::format("There is no window {}; the last one is {}.", block.window, site_.view.count()));
  const ReadBytes window = site_.view.readable(block.window);
  check(block, window.size());
  const std::pair key{block.window, block.generation};
  if (std::ranges::find(read_, key) == read_.end()) read_.push_back(key);
  return window.subspan(block.offset, block.bytes);
}

WriteBytes SlotContext::write(const Block& block) const {
  if (block.window != site_.window)
    throw BlockError(
        fmt::format("Window {} is not this worker's own, which is window {}.", block.window, site_.window));
  const WriteBytes window = site_.view.writable(block.window);
  check(block, window.size());
  return window.subspan(block.offset, block.bytes);
}

int SlotContext::fd(std::size_t index) const {
  if (index >= fds_.size())
    throw std::out_of_range(fmt::format("Descriptor {} was asked for, but {} came with the job.", index, fds_.size()));
  return fds_[index].get();
}

void SlotContext::step(std::uint64_t breadcrumb) noexcept {
  status_.breadcrumb.store(breadcrumb, std::memory_order_release);
}

void SlotContext::progress(std::uint32_t value) {
  const Clock::time_point now = Clock::now();
  if (now < next_report_) return;
  next_report_ = now + kReportInterval;
  report_({job_.id, value});
}

bool SlotContext::cancelled() const {
  if (site_.board.is_cancelled(site_.window, job_.id, site_.slots)) return true;
  if (limits_ != nullptr && exceeded_ == 0) exceeded_ = limits_->exceeded(cpu_ns(), Clock::now() - began_);
  return exceeded_ != 0;
}

std::uint64_t SlotContext::cpu_ns() const { return own_cpu_ns() - cpu_base_ns_; }

bool SlotContext::blocks_still_there() const {
  // Pages go after the generation has changed (Arena::forget). So when the old one is still there after all the
  // reading, all that was read was read in time.
#ifndef __SANITIZE_THREAD__  // which knows no fences, and sees no window lost: only processes lose theirs
  std::atomic_thread_fence(std::memory_order_acquire);
#endif
  return std::ranges::all_of(read_,
                             [this](const auto& key) { return site_.board.generation(key.first) == key.second; });
}

}  // namespace tessera::workers
