#include "pipeline/runner_kept.h"

#include <stdexcept>

namespace tessera::pipeline {

void KeptWork::keep(const Key& key, std::unique_ptr<Kept> kept) {
  const std::lock_guard lock(mutex_);
  kept_[key] = std::move(kept);
}

std::unique_ptr<Kept> KeptWork::take(const Key& key) {
  const std::lock_guard lock(mutex_);
  auto node = kept_.extract(key);
  if (node.empty()) throw std::runtime_error("a job goes on with what its worker did not begin");
  return std::move(node.mapped());
}

void KeptWork::drop_image(std::uint64_t image) {
  const std::lock_guard lock(mutex_);
  std::erase_if(kept_, [image](const auto& entry) { return entry.first.image == image; });
  if (plan_ && std::get<0>(plan_key_) == image) plan_.reset();
}

std::shared_ptr<const ImagePlan> KeptWork::plan(const PlanKey& key) const {
  const std::lock_guard lock(mutex_);
  return plan_ && plan_key_ == key ? plan_ : nullptr;
}

void KeptWork::set_plan(const PlanKey& key, std::shared_ptr<const ImagePlan> plan) {
  const std::lock_guard lock(mutex_);
  plan_key_ = key;
  plan_ = std::move(plan);
}

}  // namespace tessera::pipeline
