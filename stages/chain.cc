#include "stages/chain.h"

#include <algorithm>

#include "stages/frame_layout.h"
#include "stages/lookup.h"

namespace tessera::stages {
namespace {

bool is_identity(const LookupTable& table) {
  const auto levels = static_cast<std::size_t>(table.levels);
  for (std::size_t i = 0; i < table.entries.size(); ++i)
    if (table.entries[i] != i % levels) return false;
  return true;
}

}  // namespace

Chain::Chain(const ImageInfo& input, std::vector<std::shared_ptr<const Operation>> operations,
             std::vector<std::uint32_t> labels) {
  labels.resize(operations.size());
  infos_.push_back(input);
  std::optional<LookupTable> open;  // composed lookups not yet made into an operation
  std::uint32_t open_label = 0;
  const auto close = [&] {
    if (open && !is_identity(*open)) {
      operations_.push_back(lookup_operation(infos_.back(), std::move(*open)));
      labels_.push_back(open_label);
      infos_.push_back(infos_.back());
    }
    open.reset();
  };
  for (std::size_t i = 0; i < operations.size(); ++i) {
    auto& operation = operations[i];
    if (auto table = operation->table()) {
      if (!open) open_label = labels[i];
      open = open ? compose(*open, *table) : std::move(*table);
      continue;
    }
    close();
    infos_.push_back(operation->output());
    operations_.push_back(std::move(operation));
    labels_.push_back(labels[i]);
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

void Chain::render(Source& source, const MutableView& band, Scratch& scratch, const Note& note) const {
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
    if (note) note(labels_[i]);
    operations_[i]->apply(in, out, scratch);
    in = out;
  }
}

std::uint64_t Chain::scratch_bytes(const Region& band) const {
  std::uint64_t views = 0, own = 0;
  Region region = band;
  for (auto i = operations_.size(); i-- > 0;) {
    const std::uint64_t out = frame_layout(infos_[i + 1], region).bytes;
    region = operations_[i]->required_input(region);
    const std::uint64_t in = frame_layout(infos_[i], region).bytes;
    if (i + 1 < operations_.size()) views += out;
    // An operation's own buffers live only while it is applied: copies with a border, rows of float for bytes.
    own = std::max(own, 4 * (in + out));
  }
  // Scratch rounds up to chunks and leaves the end of one unused when the next buffer does not fit.
  constexpr std::uint64_t kChunks = 4 << 20;
  return operations_.empty() ? 0 : views + own + kChunks;
}

}  // namespace tessera::stages
