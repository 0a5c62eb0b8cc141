#include "stages/codecs/tiff_samples.h"

#include <bit>
#include <cstring>
#include <opencv2/imgproc.hpp>

namespace tessera::stages {
namespace {

template <class Sample>
Sample load(const std::byte* from) {
  Sample sample;  // a strip may begin at an odd byte
  std::memcpy(&sample, from, sizeof sample);
  return sample;
}

std::size_t row_bytes_of(const MutableView& view) {
  return static_cast<std::size_t>(view.plane().width) * static_cast<std::size_t>(view.format.pixel_bytes());
}

/// Which of a pixel's samples in the file channel `c` of a view is.
int sample_of(const TiffLayout& layout, int c) {
  const PixelFormat& format = layout.info.format;
  if (c == format.color_channels()) return layout.alpha_sample;
  return format.model == Model::bgr ? 2 - c : c;
}

template <class Sample>
void copy_channel(const TiffRows& rows, std::int64_t step, int channel, const MutableView& to) {
  const int channels = to.format.channels();
  for (std::int32_t y = 0; y < to.plane().height; ++y) {
    const std::byte* from = rows.data + y * rows.stride;
    Sample* out = to.plane().row<Sample>(y) + channel;
    for (std::int32_t x = 0; x < to.plane().width; ++x, from += step, out += channels) *out = load<Sample>(from);
  }
}

/// True if all samples of the pixels were exchanged at once: three or four in the order red, green, blue, alpha.
bool exchange(const TiffLayout& layout, const TiffRows& rows, const MutableView& to) {
  const int channels = to.format.channels(), sample_bytes = to.format.sample_bytes();
  const bool all = layout.samples == channels && to.format.model == Model::bgr;
  const bool aligned = reinterpret_cast<std::uintptr_t>(rows.data) % static_cast<std::size_t>(sample_bytes) == 0 &&
                       rows.stride % sample_bytes == 0;
  if (!all || !aligned) return false;
  const cv::Mat from(to.plane().height, to.plane().width, to.format.cv_type(), const_cast<std::byte*>(rows.data),
                     static_cast<std::size_t>(rows.stride));
  cv::Mat out = to.mat();
  cv::cvtColor(from, out, channels == 3 ? cv::COLOR_RGB2BGR : cv::COLOR_RGBA2BGRA);
  return true;
}

template <class Sample>
void unpack_whole(const TiffLayout& layout, const TiffRows& rows, std::int32_t plane, const MutableView& to) {
  const int channels = to.format.channels();
  if (layout.separate) {
    for (int c = 0; c < channels; ++c)
      if (sample_of(layout, c) == plane) copy_channel<Sample>(rows, sizeof(Sample), c, to);
  } else if (channels == 1 && layout.samples == 1) {
    for (std::int32_t y = 0; y < to.plane().height; ++y)
      std::memcpy(to.plane().row<std::byte>(y), rows.data + y * rows.stride, row_bytes_of(to));
  } else if (!exchange(layout, rows, to)) {
    for (int c = 0; c < channels; ++c) {
      const auto shift = static_cast<std::int64_t>(sizeof(Sample)) * sample_of(layout, c);
      copy_channel<Sample>({rows.data + shift, rows.stride}, std::int64_t{sizeof(Sample)} * layout.samples, c, to);
    }
  }
}

// Samples of 1, 2, 4 bits, and palettes of up to 8.
void unpack_small(const TiffLayout& layout, const TiffRows& rows, const MutableView& to) {
  const int bits = layout.bits, most = (1 << bits) - 1;
  for (std::int32_t y = 0; y < to.plane().height; ++y) {
    const auto* from = reinterpret_cast<const std::uint8_t*>(rows.data + y * rows.stride);
    auto* out = to.plane().row<std::uint8_t>(y);
    for (std::int32_t x = 0; x < to.plane().width; ++x) {
      const std::int64_t bit = (std::int64_t{rows.skip} + x) * bits;
      const int index = (from[bit / 8] >> (8 - bits - bit % 8)) & most;
      if (layout.palette.empty())
        *out++ = static_cast<std::uint8_t>(index * 255 / most);
      else
        out = std::ranges::copy(layout.palette[static_cast<std::size_t>(index)], out).out;
    }
  }
}

void swap_bytes(const MutableView& view) {
  const std::int32_t count = view.plane().width * view.format.channels();
  for (std::int32_t y = 0; y < view.plane().height; ++y) {
    auto* row = view.plane().row<std::uint16_t>(y);
    for (std::int32_t i = 0; i < count; ++i) row[i] = static_cast<std::uint16_t>(row[i] << 8 | row[i] >> 8);
  }
}

template <class Sample>
void invert(const MutableView& view) {
  const int channels = view.format.channels();
  for (std::int32_t y = 0; y < view.plane().height; ++y) {
    auto* row = view.plane().row<Sample>(y);
    for (std::int32_t x = 0; x < view.plane().width; ++x)
      row[x * channels] = static_cast<Sample>(std::numeric_limits<Sample>::max() - row[x * channels]);
  }
}

template <class Sample>
void divide_by_alpha(const MutableView& view) {
  constexpr std::uint32_t kMax = std::numeric_limits<Sample>::max();
  const int channels = view.format.channels();
  for (std::int32_t y = 0; y < view.plane().height; ++y) {
    auto* pixel = view.plane().row<Sample>(y);
    for (std::int32_t x = 0; x < view.plane().width; ++x, pixel += channels) {
      const std::uint32_t alpha = pixel[channels - 1];
      if (alpha == 0 || alpha == kMax) continue;
      for (int c = 0; c + 1 < channels; ++c)
        pixel[c] = static_cast<Sample>(std::min(kMax, (pixel[c] * kMax + alpha / 2) / alpha));
    }
  }
}

}  // namespace

void unpack_samples(const TiffLayout& layout, const TiffRows& rows, std::int32_t plane, const MutableView& to) {
  if (layout.bits < 8 || !layout.palette.empty()) return unpack_small(layout, rows, to);
  if (layout.bits == 8) return unpack_whole<std::uint8_t>(layout, rows, plane, to);
  unpack_whole<std::uint16_t>(layout, rows, plane, to);
}

void finish_samples(const TiffLayout& layout, const MutableView& to) {
  const bool wide = to.format.depth == Depth::u16;
  if (layout.swapped) swap_bytes(to);
  if (layout.inverted) wide ? invert<std::uint16_t>(to) : invert<std::uint8_t>(to);
  if (layout.associated_alpha) wide ? divide_by_alpha<std::uint16_t>(to) : divide_by_alpha<std::uint8_t>(to);
}

void pack_samples(const View& from, std::byte* to, std::size_t stride) {
  const auto& plane = from.plane();
  if (from.format.model == Model::bgr) {
    cv::Mat out(plane.height, plane.width, from.format.cv_type(), to, stride);
    cv::cvtColor(from.mat(), out, from.format.alpha ? cv::COLOR_BGRA2RGBA : cv::COLOR_BGR2RGB);
    return;
  }
  const auto bytes = static_cast<std::size_t>(plane.width) * static_cast<std::size_t>(from.format.pixel_bytes());
  for (std::int32_t y = 0; y < plane.height; ++y)
    std::memcpy(to + static_cast<std::size_t>(y) * stride, plane.row<std::byte>(y), bytes);
}

}  // namespace tessera::stages
