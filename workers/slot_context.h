// The JobContext of every executor. Lives for one job, in the thread that runs it.
#pragma once

#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "workers/slot.h"

namespace tessera::workers {

class SlotContext final : public JobContext {
 public:
  SlotContext(const Site&, std::size_t slot, const Job&, std::span<const Fd> fds,
              const std::function<void(const Progress&)>& report, const LiveLimits*);
  ~SlotContext() override;

  const Job& job() const override { return job_; }
  ReadBytes read(const Block&) const override;
  WriteBytes write(const Block&) const override;
  int fd(std::size_t index) const override;
  std::size_t fd_count() const override { return fds_.size(); }
  void step(std::uint64_t breadcrumb) noexcept override;
  void progress(std::uint32_t value) override;
  bool cancelled() const override;
  std::size_t slot() const override { return slot_; }

  /// True when nothing that the job has read was lost meanwhile: what it saw was what was written.
  bool blocks_still_there() const;
  /// Which limit made cancelled() true, as a reason of Outcome::timed_out; 0: none.
  std::int32_t exceeded() const { return exceeded_; }
  /// CPU time of this thread since the job began.
  std::uint64_t cpu_ns() const;

 private:
  void check(const Block&, std::uint64_t capacity) const;
  const Site& site_;
  std::size_t slot_;
  const Job& job_;
  std::span<const Fd> fds_;
  const std::function<void(const Progress&)>& report_;
  const LiveLimits* limits_;
  std::uint64_t cpu_base_ns_;
  Clock::time_point began_;
  SlotStatus& status_;
  mutable std::int32_t exceeded_ = 0;
  mutable std::vector<std::pair<std::uint32_t, std::uint32_t>> read_;  // (window, generation), each once
  Clock::time_point next_report_{};
};

}  // namespace tessera::workers
