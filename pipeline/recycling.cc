#include "pipeline/recycling.h"

namespace tessera::pipeline {

void Recycling::opened_image(std::uint32_t window) {
  if (++opened_[window] >= images_ && images_ > 0) due_.insert(window);
}

void Recycling::job_ended(std::uint32_t window, Clock::time_point now,
                          const std::function<std::uint64_t(std::uint32_t)>& grown_bytes) {
  const auto [look, first] = next_look_.try_emplace(window, now);
  if (now < look->second) return;
  look->second = now + kLookInterval;
  if (grown_bytes(window) > kMostGrowth) due_.insert(window);
}

void Recycling::replaced(std::uint32_t window) {
  opened_.erase(window);
  next_look_.erase(window);
  due_.erase(window);
}

}  // namespace tessera::pipeline
