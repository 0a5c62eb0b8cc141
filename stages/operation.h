// A stage bound to one image. Everything that depends on the image (taps, tables, statistics) is already inside, so an
// Operation is immutable and pure: any band of its output can be computed by anyone, in any order, to the same bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "stages/image.h"
#include "stages/scratch.h"

namespace tessera::stages {

/// A pure per-sample lookup: value v of channel c becomes entries[c * levels + v]. levels is 256 (u8) or 65536 (u16);
/// channels counts the interleaved ones, alpha included.
struct LookupTable {
  int channels = 0;
  int levels = 0;
  std::vector<std::uint16_t> entries;
};

class Operation {
 public:
  virtual ~Operation() = default;
  /// Size, format and grids of the result; for operations other than a resize the grids of the input.
  virtual ImageInfo output() const = 0;
  /// The input region that `out` needs: padded by the halo, mapped, clipped to the input. Never empty.
  virtual Region required_input(const Region& out) const = 0;
  /// Computes out.region from `in`, whose region contains required_input(out.region). The border rule is applied at
  /// the image's own edges only. Throws ImageError for what only pixels can show.
  virtual void apply(const View& in, const MutableView& out, Scratch&) const = 0;
  /// Where a point of the input lands in the output (full-size pixels, continuous; pixel centres at +0.5).
  virtual std::array<double, 2> map_point(double x, double y) const { return {x, y}; }
  /// A pure lookup says so and is fused with its neighbours.
  virtual std::optional<LookupTable> table() const { return std::nullopt; }
  /// True: apply() may be given the same pixels as input and output, whose formats and sizes are equal, and then costs
  /// no more than between two places.
  virtual bool in_place() const { return false; }
  /// Fewer rows than this at a time, and what apply() does once for each call (sums under a kernel, a border) is no
  /// longer small against the rest.
  virtual std::int32_t efficient_rows() const { return 1; }
};

}  // namespace tessera::stages
