// Per-sample lookups: the operation behind every pure tone stage, and the composition of two of them.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "stages/operation.h"

namespace tessera::stages {

/// A function of one sample, 0..1 -> 0..1 (clamped by the caller for integers).
using ToneCurve = std::function<double(double)>;

/// Applies curves[c] to channel c; the last curve serves all remaining colour channels, alpha is left alone.
///   in      u8, u16 or f32, interleaved, any grid
///   out     same size and type; u8 and u16 through a table rounded half up, f32 computed and not clamped
///   halo    none; exact under any tiling
std::unique_ptr<const Operation> tone_operation(const ImageInfo&, std::vector<ToneCurve> curves);

/// The table as an operation; info.format is u8 or u16 with table.channels channels.
std::unique_ptr<const Operation> lookup_operation(const ImageInfo&, LookupTable table);

/// first, then second.
LookupTable compose(const LookupTable& first, const LookupTable& second);

}  // namespace tessera::stages
