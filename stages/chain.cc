#include "stages/chain.h"

#include <cassert>

#include "stages/frame_layout.h"
#include "stages/lookup.h"

namespace tessera::stages {

Chain::Chain(const ImageInfo& input, std::vector<std::unique_ptr<const Operation>> operations) {
  infos_.push_back(input);
  std::optional<LookupTable> open;  // composed lookups not yet made into an operation
  const auto close = [&] {
    if (!open) return;
    operations_.push_back(lookup_operation(infos_.back(), std::move(*open)));
    infos_.push_back(infos_.back());
    open.reset();
  };
  for (auto& operation : operations) {
    if (auto table = operation->table()) {
      open = open ? compose(*open, *table) : std::move(*table);
      continue;
    }
    close();
    infos_.push_back(operation->output());
    operations_.push_back(std::move(operation));
  }
  close();
}

Region Chain::required_input(const Region& out) const {
  Region region = out;
  for (auto i = operations_.size(); i-- > 0;) region = operations_[i]->required_input(region);
  return region;
}

std::array<double, 2> Chain::map_point(double x, double y) const {
  std::array<double, 2> point{x, y};
  for (const auto& operation : operations_) point = operation->map_point(point[0], point[1]);
  return point;
}

void Chain::render(Source& source, const MutableView& band, Scratch& scratch) const {
  if (operations_.empty()) return copy_pixels(output(), source.fetch(band.region), band);
  const Scratch::Mark mark(scratch);
  std::vector<Region> regions(operations_.size() + 1);  // regions[i]: what goes into operation i
  regions.back() = band.region;
  for (auto i = operations_.size(); i-- > 0;) regions[i] = operations_[i]->required_input(regions[i + 1]);
  View in = source.fetch(regions[0]);
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const bool last = i + 1 == operations_.size();
    const MutableView out = last ? band : scratch.take_view(infos_[i + 1], regions[i + 1]);
    const Scratch::Mark inner(scratch);
    operations_[i]->apply(in, out, scratch);
    in = out;
  }
}

std::uint64_t Chain::scratch_bytes(const Region& band) const {
  std::uint64_t bytes = 0;
  Region region = band;
  for (auto i = operations_.size(); i-- > 0;) {
    // Three times the output: an operation's own buffers (a padded copy, an intermediate in a wider type).
    bytes += 4 * frame_layout(infos_[i + 1], region).bytes;
    region = operations_[i]->required_input(region);
  }
  return bytes + (operations_.empty() ? 0 : 3 * frame_layout(infos_[0], region).bytes);
}

}  // namespace tessera::stages
