#include "pipeline/compare/cost_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "pipeline/compare/figures.h"

namespace tessera::pipeline {
namespace {

using workers::costs::Effort;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kFrameCopies = 7;  // that handover_costs() holds
constexpr std::uint64_t kLargeFrame = 24'000'000;
constexpr std::uint64_t kHugeFrame = 96'000'000;

/// Keeps the sizes of which `times` fit into `limit`.
std::vector<CostPlan::Size> that_fit(const std::vector<CostPlan::Size>& all, std::uint64_t times, std::uint64_t limit,
                                     std::string_view what, std::vector<std::string>& left_out) {
  std::vector<CostPlan::Size> kept;
  for (const CostPlan::Size& size : all) {
    if (size.bytes <= limit / times)
      kept.push_back(size);
    else
      left_out.push_back(fmt::format("{} of {}: it takes {} of memory, more than a quarter of what is free ({}).", what,
                                     binary_size_text(static_cast<double>(size.bytes)),
                                     bytes_text(static_cast<double>(size.bytes * times)),
                                     bytes_text(static_cast<double>(limit * 4))));
  }
  return kept;
}

}  // namespace

CostPlan plan_costs(bool quick, std::uint64_t free_bytes, int cpus) {
  const std::uint64_t limit = free_bytes / 4;
  CostPlan plan;
  plan.quick = quick;
  plan.create = quick ? Effort{0.15, 15, 100} : Effort{1, 30, 200};

  std::vector<CostPlan::Size> parents;
  for (const std::uint64_t mib : {0, 16, 64, 256}) parents.push_back({mib * kMiB, plan.create});
  if (!quick) parents.push_back({1024 * kMiB, {2, 15, 200}});
  plan.parents = that_fit(parents, 1, limit, "Fork from a parent", plan.left_out);
  for (const std::uint64_t mib : {16, 64, 256, 1024})
    if (mib * kMiB <= std::min(limit, quick ? 256 * kMiB : 1024 * kMiB)) plan.shared_bytes = mib * kMiB;

  const std::vector<std::uint64_t> frames =
      quick ? std::vector<std::uint64_t>{4096, 96'000, 1'500'000, kLargeFrame, kHugeFrame}
            : std::vector<std::uint64_t>{4096, 24'000, 96'000, 375'000, 1'500'000, 6'000'000, kLargeFrame, kHugeFrame};
  std::vector<CostPlan::Size> sizes;
  for (const std::uint64_t bytes : frames) {
    const std::size_t fewest = bytes == kHugeFrame ? 5 : bytes == kLargeFrame ? 7 : 15;
    sizes.push_back({bytes, quick ? Effort{0.15, fewest, 100} : Effort{bytes >= kLargeFrame ? 6.0 : 1.5, fewest, 200}});
  }
  plan.frames = that_fit(sizes, kFrameCopies, limit, "Handing over a frame", plan.left_out);
  plan.folder = std::filesystem::temp_directory_path().string();

  plan.round_trips = 100;
  plan.wakeup = quick ? Effort{0.4, 15, 100} : Effort{4, 30, 200};
  plan.threads = static_cast<unsigned>(std::clamp(cpus, 2, 4));
  plan.increments = 100'000;
  plan.sharing = quick ? Effort{0.2, 15, 100} : Effort{2, 30, 200};
  plan.page_bytes = std::min(kLargeFrame, limit / kFrameCopies);
  plan.pages = quick ? Effort{0.5, 7, 100} : Effort{4, 15, 200};
  return plan;
}

}  // namespace tessera::pipeline
