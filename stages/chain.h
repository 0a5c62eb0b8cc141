// The bound operations of one pass, as one function from a source to a band. Pure: which bands are asked for, by whom
// and in which order does not matter.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "stages/operation.h"
#include "stages/source.h"

namespace tessera::stages {

class Chain {
 public:
  /// An operation and the lookups that follow it and change its result where it lies.
  struct Link {
    std::shared_ptr<const Operation> operation;
    std::uint32_t label = 0;
    std::vector<std::pair<std::shared_ptr<const Operation>, std::uint32_t>> in_place;  // with their labels
    ImageInfo output;
  };
  /// Told the label of each operation before it runs (0: it has none).
  using Note = std::function<void(std::uint32_t label)>;

  /// Neighbouring lookups are composed into one. `input` is what the first operation was bound to.
  /// `labels`, if any, name the operations for render()'s note; a composed lookup goes by the label of its first part.
  Chain(const ImageInfo& input, std::vector<std::shared_ptr<const Operation>> operations,
        std::vector<std::uint32_t> labels = {});

  const ImageInfo& input() const { return input_; }
  const ImageInfo& output() const { return links_.empty() ? input_ : links_.back().output; }
  const std::vector<Link>& links() const { return links_; }
  Region required_input(const Region& out) const;
  std::array<double, 2> map_point(double x, double y) const;
  /// Fills band.region of the output, in pieces that fit the cache (see chain_renderer.h). Intermediate pixels live in
  /// scratch and are released before it returns.
  void render(Source&, const MutableView& band, Scratch&, const Note& note = {}) const;
  /// Upper bound of the scratch that render takes for `band`.
  std::uint64_t scratch_bytes(const Region& band) const;

 private:
  void append(std::shared_ptr<const Operation> operation, std::uint32_t label);

  ImageInfo input_;
  std::vector<Link> links_;  // operations are shared with whoever planned with them
};

}  // namespace tessera::stages
