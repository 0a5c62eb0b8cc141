// What the micro-benchmarks share: a picture that is neither flat nor pure noise, and its memory.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "stages/frame_layout.h"
#include "stages/image.h"

namespace tessera::bench {

/// Pixels of a whole image in memory of its own. u8 and u16: gradients with noise; f32: the same, in 0..1.
class Picture {
 public:
  explicit Picture(const stages::ImageInfo& info)
      : info_(info), memory_(stages::frame_layout(info, info.bounds()).bytes / sizeof(Line) + 1) {}

  stages::MutableView view() {
    return stages::view_in(
        stages::WriteBytes(reinterpret_cast<std::byte*>(memory_.data()), memory_.size() * sizeof(Line)), info_,
        info_.bounds());
  }
  const stages::ImageInfo& info() const { return info_; }

  Picture& fill() {
    const stages::MutableView all = view();
    std::uint32_t noise = 12345;
    for (int p = 0; p < info_.format.planes(); ++p)
      for (std::int32_t y = 0; y < all.plane(p).height; ++y)
        for (std::int32_t i = 0; i < all.plane(p).width * info_.format.channels(); ++i) {
          noise = noise * 1664525u + 1013904223u;
          const std::uint32_t level = (static_cast<std::uint32_t>(i / 9 + y / 5) % 200) + (noise >> 28);
          switch (info_.format.depth) {
            case stages::Depth::u8:
              all.plane(p).row<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(level);
              break;
            case stages::Depth::u16:
              all.plane(p).row<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(level * 257);
              break;
            case stages::Depth::f32:
              all.plane(p).row<float>(y)[i] = static_cast<float>(level) / 255;
              break;
          }
        }
    return *this;
  }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  stages::ImageInfo info_;
  std::vector<Line> memory_;
};

inline stages::ImageInfo interleaved(std::int32_t width, std::int32_t height, stages::PixelFormat format = {}) {
  return {width, height, format, {}, 0};
}

inline double megapixels(const stages::ImageInfo& info) { return 1e-6 * info.width * info.height; }

}  // namespace tessera::bench
