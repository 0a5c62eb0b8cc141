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
  /// Neighbouring lookups are composed into one. `input` is what the first operation was bound to.
  /// `labels`, if any, name the operations for render()'s note; a composed lookup goes by the label of its first part.
  Chain(const ImageInfo& input, std::vector<std::shared_ptr<const Operation>> operations,
        std::vector<std::uint32_t> labels = {});

  const ImageInfo& input() const { return infos_.front(); }
  const ImageInfo& output() const { return infos_.back(); }
  Region required_input(const Region& out) const;
  std::array<double, 2> map_point(double x, double y) const;
  /// Fills band.region of the output. Intermediate pixels live in scratch and are released before it returns. `note` is
  /// told the label of each operation before it runs (0: it has none).
  using Note = std::function<void(std::uint32_t label)>;
  void render(Source&, const MutableView& band, Scratch&, const Note& note = {}) const;
  /// Upper bound of the scratch that render takes for `band`.
  std::uint64_t scratch_bytes(const Region& band) const;

 private:
  std::vector<std::shared_ptr<const Operation>> operations_;  // shared with whoever planned with them
  std::vector<std::uint32_t> labels_;                         // [operation]
  std::vector<ImageInfo> infos_;  // infos_[i] goes into operations_[i]; the last is the output
};

}  // namespace tessera::stages
