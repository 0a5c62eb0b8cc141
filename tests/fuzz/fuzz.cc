#include "tests/fuzz/fuzz.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace tessera::fuzz {
using namespace stages;

namespace {
constexpr std::align_val_t kAlignment{64};

template <class Sample>
void fill_row(Sample* row, std::int32_t samples, std::int32_t y, float scale, std::uint32_t& noise) {
  for (std::int32_t i = 0; i < samples; ++i) {
    noise = noise * 1664525 + 1013904223;
    const float ramp = static_cast<float>((i * 5 + y * 3) % 256) / 255;
    const float value = (noise >> 30 == 0 ? static_cast<float>(noise >> 8 & 0xFFFF) / 65535 : ramp) * scale;
    row[i] = static_cast<Sample>(value);
  }
}
}  // namespace

void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "a property does not hold: %s\n", property);
  std::abort();
}

Picture::Picture(const ImageInfo& info)
    : info_(info),
      bytes_(frame_layout(info, info.bounds()).bytes),
      memory_(static_cast<std::byte*>(::operator new[](bytes_, kAlignment))) {
  std::memset(memory_.get(), 0, bytes_);
}

void Picture::Free::operator()(std::byte* memory) const { ::operator delete[](memory, kAlignment); }

MutableView Picture::view() { return view_in(WriteBytes(memory_.get(), bytes_), info_, info_.bounds()); }
View Picture::view() const { return view_in(ReadBytes(memory_.get(), bytes_), info_, info_.bounds()); }

void Picture::fill(std::uint32_t seed) {
  for (int p = 0; p < info_.format.planes(); ++p) {
    const auto plane = view().plane(p);
    for (std::int32_t y = 0; y < plane.height; ++y) {
      const std::int32_t samples = plane.width * info_.format.channels();
      switch (info_.format.depth) {
        case Depth::u8:
          fill_row(plane.row<std::uint8_t>(y), samples, y, 255, seed);
          break;
        case Depth::u16:
          fill_row(plane.row<std::uint16_t>(y), samples, y, 65535, seed);
          break;
        case Depth::f32:
          fill_row(plane.row<float>(y), samples, y, 1.1f, seed);
          break;
      }
    }
  }
}

bool same_pixels(const Picture& a, const Picture& b) {
  if (a.info() != b.info()) return false;
  for (int p = 0; p < a.info().format.planes(); ++p) {
    const auto pa = a.view().plane(p), pb = b.view().plane(p);
    const auto row_bytes = static_cast<std::size_t>(pa.width * a.info().format.pixel_bytes());
    for (std::int32_t y = 0; y < pa.height; ++y)
      if (std::memcmp(pa.row<std::byte>(y), pb.row<std::byte>(y), row_bytes) != 0) return false;
  }
  return true;
}

std::vector<Region> bands(const ImageInfo& info, std::int32_t rows, std::int32_t multiple) {
  const std::int32_t step = (std::max(rows, 1) + multiple - 1) / multiple * multiple;
  std::vector<Region> all;
  for (std::int32_t y = 0; y < info.height; y += step)
    all.push_back({0, y, info.width, std::min(y + step, info.height)});
  return all;
}

}  // namespace tessera::fuzz
