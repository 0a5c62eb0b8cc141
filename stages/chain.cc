#include "stages/chain.h"

#include "stages/chain_renderer.h"
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
             std::vector<std::uint32_t> labels)
    : input_(input) {
  labels.resize(operations.size());
  std::optional<LookupTable> open;  // composed lookups not yet made into an operation
  std::uint32_t open_label = 0;
  const auto close = [&] {
    if (open && !is_identity(*open)) append(lookup_operation(output(), std::move(*open)), open_label);
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
    append(std::move(operation), labels[i]);
  }
  close();
}

void Chain::append(std::shared_ptr<const Operation> operation, std::uint32_t label) {
  if (operation->in_place() && !links_.empty()) {
    links_.back().in_place.emplace_back(std::move(operation), label);
    return;
  }
  const ImageInfo info = operation->output();
  links_.push_back({std::move(operation), label, {}, info});
}

Region Chain::required_input(const Region& out) const {
  Region region = out;
  for (auto i = links_.size(); i-- > 0;) region = links_[i].operation->required_input(region);
  return region;
}

std::array<double, 2> Chain::map_point(double x, double y) const {
  std::array<double, 2> point{x, y};
  for (const Link& link : links_) point = link.operation->map_point(point[0], point[1]);
  return point;
}

void Chain::render(Source& source, const MutableView& band, Scratch& scratch, const Note& note) const {
  const Scratch::Mark mark(scratch);
  ChainRenderer(*this, source, band.region, band.region.height(), scratch).render(band, note);
}

std::uint64_t Chain::scratch_bytes(const Region& band) const {
  return renderer_scratch_bytes(*this, band, band.height());
}

}  // namespace tessera::stages
