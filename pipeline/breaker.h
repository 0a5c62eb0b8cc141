// Stops a run whose workers die systematically: a broken library, a machine without memory. One bad picture, or a few,
// never trip it. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>

namespace tessera::pipeline {

class Breaker {
 public:
  /// Trips at so many deaths in a row, over as many different images; 0: never.
  explicit Breaker(std::size_t limit) : limit_(limit) {}
  /// A worker answered for a job, whatever it said: workers can live.
  void answered() {
    deaths_.clear();
    images_.clear();
  }
  /// A worker died with a job of this image. `death` counts dead workers: one may have held several jobs.
  void died(std::uint64_t death, std::uint64_t image) {
    if (tripped()) return;  // what is known is enough
    deaths_.insert(death);
    images_.insert(image);
  }
  bool tripped() const { return limit_ > 0 && deaths_.size() >= limit_ && images_.size() >= limit_; }

 private:
  std::size_t limit_;
  std::set<std::uint64_t> deaths_, images_;
};

}  // namespace tessera::pipeline
