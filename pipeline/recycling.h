// When a worker is to be replaced by a fresh one: after so many images, once it has grown, or when it ran out of memory
// or descriptors. It only says so; whoever asks chooses a moment at which nothing is lost.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>

namespace tessera::pipeline {

class Recycling {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint64_t kMostGrowth = 300'000'000;  // bytes, private and resident
  static constexpr std::chrono::milliseconds kLookInterval{250};

  /// images: that one worker opens at most; 0: any number.
  explicit Recycling(std::uint64_t images) : images_(images) {}
  void opened_image(std::uint32_t window);
  /// Of memory, or of room for a job's descriptors.
  void ran_out(std::uint32_t window) { due_.insert(window); }
  /// A job has ended there. `grown_bytes` is asked at most every kLookInterval.
  void job_ended(std::uint32_t window, Clock::time_point now,
                 const std::function<std::uint64_t(std::uint32_t)>& grown_bytes);
  /// A fresh worker takes its place.
  void replaced(std::uint32_t window);
  /// It is being replaced.
  void begun(std::uint32_t window) { due_.erase(window); }
  const std::set<std::uint32_t>& due() const { return due_; }

 private:
  std::uint64_t images_;
  std::map<std::uint32_t, std::uint64_t> opened_;
  std::map<std::uint32_t, Clock::time_point> next_look_;
  std::set<std::uint32_t> due_;
};

}  // namespace tessera::pipeline
