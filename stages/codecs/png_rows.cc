#include "stages/codecs/png_rows.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "stages/kernel.h"

namespace tessera::stages {
namespace {

using Byte = std::uint8_t;

// In all of these a: left, b: above, c: above left.
TESSERA_KERNEL void filter_difference(const Byte* x, const Byte* predicted, std::size_t count, Byte* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<Byte>(x[i] - predicted[i]);
}
TESSERA_KERNEL void filter_average(const Byte* x, const Byte* a, const Byte* b, std::size_t count, Byte* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<Byte>(x[i] - ((a[i] + b[i]) >> 1));
}
TESSERA_KERNEL void filter_paeth(const Byte* x, const Byte* a, const Byte* b, const Byte* c, std::size_t count,
                                 Byte* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const int to_a = std::abs(b[i] - c[i]), to_b = std::abs(a[i] - c[i]), to_c = std::abs(a[i] + b[i] - 2 * c[i]);
    const Byte nearest = to_a <= to_b && to_a <= to_c ? a[i] : to_b <= to_c ? b[i] : c[i];
    out[i] = static_cast<Byte>(x[i] - nearest);
  }
}
TESSERA_KERNEL std::uint32_t part_of_sum(const Byte* differences, std::size_t count) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < count; ++i)
    sum += static_cast<std::uint32_t>(differences[i] < 128 ? differences[i] : 256 - differences[i]);
  return sum;
}

std::uint64_t sum_of_differences(const Byte* differences, std::size_t count) {
  constexpr std::size_t kPart = 1 << 24;  // 128 * 2^24 fits 32 bits
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < count; i += kPart) sum += part_of_sum(differences + i, std::min(kPart, count - i));
  return sum;
}

template <class Sample, int kChannels>
void swap_row(const Sample* in, std::size_t pixels, Sample* out) {
  constexpr bool kColor = kChannels >= 3;
  const auto stored = [](Sample v) -> Sample {
    if constexpr (sizeof(Sample) == 2 && std::endian::native == std::endian::little)
      return static_cast<Sample>(v << 8 | v >> 8);
    else
      return v;
  };
  for (std::size_t x = 0; x < pixels; ++x, in += kChannels, out += kChannels)
    for (int c = 0; c < kChannels; ++c) out[c] = stored(in[kColor && c < 3 ? 2 - c : c]);
}

template <class Sample>
void swap_row(const Sample* in, std::size_t pixels, int channels, Sample* out) {
  switch (channels) {
    case 1:
      return swap_row<Sample, 1>(in, pixels, out);
    case 2:
      return swap_row<Sample, 2>(in, pixels, out);
    case 3:
      return swap_row<Sample, 3>(in, pixels, out);
    default:
      return swap_row<Sample, 4>(in, pixels, out);
  }
}

void apply(PngFilter filter, const Byte* now, const Byte* before, std::size_t pixel, std::size_t count, Byte* out) {
  const Byte *x = now + pixel, *a = now, *b = before + pixel, *c = before;
  switch (filter) {
    case PngFilter::sub:
      return filter_difference(x, a, count, out);
    case PngFilter::up:
      return filter_difference(x, b, count, out);
    case PngFilter::average:
      return filter_average(x, a, b, count, out);
    case PngFilter::paeth:
      return filter_paeth(x, a, b, c, count, out);
    default:
      std::memcpy(out, x, count);
  }
}

}  // namespace

PngRowFilter::PngRowFilter(const ImageInfo& info, PngFilter filter)
    : format_(info.format),
      filter_(filter),
      row_bytes_(static_cast<std::size_t>(info.width) * static_cast<std::size_t>(info.format.pixel_bytes())),
      pixel_bytes_(static_cast<std::size_t>(info.format.pixel_bytes())),
      now_(pixel_bytes_ + row_bytes_),
      before_(pixel_bytes_ + row_bytes_),
      candidate_(filter == PngFilter::adaptive ? row_bytes_ : 0) {}

void PngRowFilter::load(const std::byte* row) {
  const std::size_t pixels = row_bytes_ / pixel_bytes_;
  Byte* to = now_.data() + pixel_bytes_;
  if (format_.depth == Depth::u8)
    swap_row(reinterpret_cast<const Byte*>(row), pixels, format_.channels(), to);
  else
    swap_row(reinterpret_cast<const std::uint16_t*>(row), pixels, format_.channels(),
             reinterpret_cast<std::uint16_t*>(to));
}

void PngRowFilter::next(const std::byte* row, std::byte* out) {
  std::swap(now_, before_);
  load(row);
  Byte* to = reinterpret_cast<Byte*>(out) + 1;
  const auto filtered = [&](PngFilter filter, Byte* into) {
    apply(filter, now_.data(), before_.data(), pixel_bytes_, row_bytes_, into);
  };
  PngFilter chosen = filter_;
  if (filter_ == PngFilter::adaptive) {
    chosen = PngFilter::none;
    filtered(chosen, to);
    std::uint64_t least = sum_of_differences(to, row_bytes_);
    for (const PngFilter f : {PngFilter::sub, PngFilter::up, PngFilter::average, PngFilter::paeth}) {
      filtered(f, candidate_.data());
      const std::uint64_t sum = sum_of_differences(candidate_.data(), row_bytes_);
      if (sum >= least) continue;
      least = sum, chosen = f;
      std::memcpy(to, candidate_.data(), row_bytes_);
    }
  } else {
    filtered(chosen, to);
  }
  *out = static_cast<std::byte>(chosen);
}

}  // namespace tessera::stages
