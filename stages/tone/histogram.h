// Histograms as whole-image statistics: integers, so any split of the image, in any order, counts the same.
#pragma once

#include <span>

#include "stages/stage.h"

namespace tessera::stages {

/// Which counts a histogram keeps. Pixels with alpha 0 are not counted: nobody sees their colour.
///   luma   one table, of the BT.601 luma (or of gray samples)
///   all    one table, of all colour channels together
///   each   one table per colour channel
enum class HistogramOf : std::uint8_t { luma, all, each };

/// 256 bins for u8, 65536 for u16 (512 KiB a table), of 64 bits each. `info` is interleaved, full-size, u8 or u16.
std::unique_ptr<const Reduction> histogram_reduction(const ImageInfo& info, HistogramOf of);

/// The tables of such a statistic, one after the other; empty for an empty statistic.
std::span<const std::uint64_t> histogram_counts(ReadBytes statistic);

/// Adds `other` to `sum`, number by number; both hold 64-bit integers.
void merge_counts(ReadBytes other, WriteBytes sum);

}  // namespace tessera::stages
