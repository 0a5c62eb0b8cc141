// Geometry as people type it, applied to images of all proportions: sizes stay possible and keep what was asked for.
#include "stages/geometry/geometry_text.h"

#include <array>
#include <stdexcept>

#include "tests/fuzz/fuzz.h"

namespace tessera::fuzz {
using namespace stages;
namespace {

constexpr std::array<std::array<std::int32_t, 2>, 6> kSizes{
    {{1, 1}, {640, 480}, {2725, 2225}, {1, 65500}, {kMaxSide, 1}, {kMaxSide, kMaxSide}}};

void scale(const GeometryText& geometry, Fit fit, Only only, std::int32_t width, std::int32_t height) {
  std::array<std::int32_t, 2> size{};
  try {
    size = scaled_size(geometry, fit, only, width, height);
  } catch (const ImageError&) {
    return;
  }
  const auto [w, h] = size;
  require(w >= 1 && h >= 1 && w <= kMaxSide && h <= kMaxSide, "a scaled size is one that an image may have");
  require(only != Only::shrink || (w <= width && h <= height), "> never enlarges");
  require(only != Only::enlarge || (w >= width && h >= height), "< never shrinks");
  if (only != Only::both || !geometry.width || !geometry.height) return;
  const double wanted_w = geometry.width->of(width), wanted_h = geometry.height->of(height);
  require(fit != Fit::inside || (w <= wanted_w && h <= wanted_h), "inside stays inside");
  require(fit != Fit::cover || (w >= wanted_w && h >= wanted_h), "cover covers");
  require(fit != Fit::fill || (w == wanted_w && h == wanted_h), "fill fills");
}

}  // namespace
}  // namespace tessera::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera;
  stages::GeometryText geometry;
  try {
    geometry = stages::parse_geometry(fuzz::text_of(data, size));
  } catch (const std::invalid_argument&) {
    return 0;
  }
  fuzz::require(geometry.width || geometry.height, "a geometry has a side");
  for (const auto& [width, height] : fuzz::kSizes)
    for (const auto fit : {stages::Fit::inside, stages::Fit::cover, stages::Fit::fill})
      for (const auto only : {stages::Only::both, stages::Only::shrink, stages::Only::enlarge})
        fuzz::scale(geometry, fit, only, width, height);
  return 0;
}
