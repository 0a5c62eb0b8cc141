#include "pipeline/spread_grid.h"

#include <algorithm>
#include <numeric>

#include "stages/frame_layout.h"

namespace tessera::pipeline {
using namespace stages;
namespace {

// Some 25 to 50 ms of decoding JPEG or PNG: many parts of what is worth spreading, and messages cost nothing beside.
constexpr std::uint64_t kPartBytes = 8 << 20;
// Parts of more rows take memory that costs more than decoding some rows twice.
constexpr std::int64_t kMostBlockRows = 1024;

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

Region PartGrid::part(std::int32_t index) const {
  return {0, index * rows, info.width, std::min((index + 1) * rows, info.height)};
}

std::uint64_t PartGrid::bytes(std::int32_t index) const { return frame_layout(info, part(index)).bytes; }

std::uint64_t PartGrid::bytes_of_rows(std::int32_t y0, std::int32_t y1) const {
  std::uint64_t sum = 0;
  for (std::int32_t i = holding(y0); i <= holding(y1 - 1); ++i) sum += bytes(i);
  return sum;
}

PartGrid part_grid(const ImagePlan& plan) {
  PartGrid grid;
  grid.info = plan.frames.at(0);
  const std::int64_t height = grid.info.height;
  const std::uint64_t frame = frame_layout(grid.info, grid.info.bounds()).bytes;
  std::int64_t multiple = std::lcm<std::int64_t>(16, std::max(plan.decode_traits.band_multiple, 1));
  // Else rows of tiles would be decoded for each part that they reach into.
  const auto of_blocks = std::lcm<std::int64_t>(multiple, plan.decode_traits.block_rows);
  if (of_blocks <= kMostBlockRows) multiple = of_blocks;
  const auto wanted = static_cast<std::int64_t>(kPartBytes / std::max<std::uint64_t>(frame / grid.info.height, 1));
  // A side has far fewer rows than 2^30: a multiple beyond the image means one part.
  const std::int64_t rows = std::min(round_up(std::max<std::int64_t>(wanted, 1), multiple), round_up(height, 16));
  grid.rows = static_cast<std::int32_t>(rows);
  grid.count = static_cast<std::int32_t>((height + rows - 1) / rows);
  grid.last = grid.count - 1;
  if (plan.windowed) {
    const std::vector<Rows> needs = band_needs(plan.passes[1]);
    grid.first = grid.holding(needs.front().y0);
    grid.last = grid.holding(needs.back().y1 - 1);
  }
  return grid;
}

std::vector<Rows> band_needs(const Pass& pass) {
  std::vector<Rows> needs;
  const bool known = !pass.bound.empty() || pass.steps.empty();
  for (std::int32_t b = 0; b < pass.bands(); ++b) {
    Region region = known ? pass.band(b) : pass.input.bounds();
    if (known)
      for (auto i = pass.bound.size(); i-- > 0;) region = pass.bound[i]->required_input(region);
    needs.push_back({region.y0, region.y1});
  }
  return needs;
}

bool may_be_windowed(const ImagePlan& plan) {
  if (!plan.complete || plan.passes.size() != 2 || plan.frames.size() != 1 || !plan.statistics.empty()) return false;
  const Pass& pass = plan.passes[1];
  if (pass.product < 0 || pass.from_frame != 0) return false;
  const std::vector<Rows> needs = band_needs(pass);
  for (std::size_t b = 1; b < needs.size(); ++b)
    if (needs[b].y0 < needs[b - 1].y0 || needs[b].y1 < needs[b - 1].y1) return false;
  return std::ranges::all_of(needs, [&](const Rows& need) { return need.y1 - need.y0 <= pass.input.height / 2; });
}

std::uint64_t least_window_bytes(const ImagePlan& plan) {
  const Pass& pass = plan.passes[1];
  const PartGrid grid = part_grid(plan);
  const std::vector<Rows> needs = band_needs(pass);
  constexpr std::uint64_t kPage = 4096, kTables = 32;  // blocks count as whole pages; a job's table has a few
  std::uint64_t most = 0;
  for (std::size_t b = 0; b < needs.size(); ++b) {
    const auto parts = static_cast<std::uint64_t>(grid.holding(needs[b].y1 - 1) - grid.holding(needs[b].y0) + 1);
    const std::uint64_t band = frame_layout(pass.output, pass.band(static_cast<std::int32_t>(b))).bytes;
    most = std::max(most, grid.bytes_of_rows(needs[b].y0, needs[b].y1) + band + (parts + 1 + kTables) * kPage);
  }
  return most;
}

}  // namespace tessera::pipeline
