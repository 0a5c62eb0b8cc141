// What a worker keeps of a spread image from one of its jobs to the next: a decoder, encoders, the plan. Taken out
// while a job uses it and put back when that job went well, so that whatever fails or is cancelled leaves nothing. The
// coordinator starts one job at a time for each kept thing, always in the worker that has it, and sends a job that
// drops what it does not need any more.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "pipeline/plan.h"

namespace tessera::pipeline {

struct Kept {
  virtual ~Kept() = default;
};

class KeptWork {
 public:
  static constexpr std::int32_t kDecoder = -1;
  struct Key {
    std::uint64_t image = 0;
    std::uint32_t epoch = 0;
    std::int32_t product = kDecoder;
    auto operator<=>(const Key&) const = default;
  };
  void keep(const Key&, std::unique_ptr<Kept>);
  /// Throws std::runtime_error when it is not there: the coordinator and this worker do not agree.
  std::unique_ptr<Kept> take(const Key&);
  void drop_image(std::uint64_t image);

  /// The spread plan made last: bands of one image follow each other, and binding taps takes milliseconds.
  using PlanKey = std::tuple<std::uint64_t, std::uint32_t, std::size_t>;  // image, epoch, sizes resolved
  std::shared_ptr<const ImagePlan> plan(const PlanKey&) const;
  void set_plan(const PlanKey&, std::shared_ptr<const ImagePlan>);

 private:
  mutable std::mutex mutex_;  // the slots of one worker share it
  std::map<Key, std::unique_ptr<Kept>> kept_;
  PlanKey plan_key_;
  std::shared_ptr<const ImagePlan> plan_;
};

}  // namespace tessera::pipeline
