#include "stages/frame_layout.h"

#include <catch2/catch.hpp>

using namespace tessera::stages;

TEST_CASE("rows are padded and aligned, planes follow one another", "[layout]") {
  for (int width = 1; width < 300; ++width)
    for (const Model model : {Model::gray, Model::bgr, Model::ycbcr_planar}) {
      ImageInfo info{width, 37, {model, Depth::u8, false}, {}, 0};
      if (model == Model::ycbcr_planar) info.grid = {Grid{}, Grid{1, 1, 0, 0}, Grid{1, 1, 0, 0}, Grid{}};
      const FrameLayout layout = frame_layout(info, info.bounds());
      std::uint64_t end = 0;
      for (int p = 0; p < info.format.planes(); ++p) {
        const auto& plane = layout.planes[static_cast<std::size_t>(p)];
        REQUIRE(plane.offset == end);
        REQUIRE(plane.offset % 64 == 0);
        REQUIRE(plane.stride % 64 == 0);
        REQUIRE(plane.stride > plane.width * info.format.pixel_bytes());
        end = plane.offset + static_cast<std::uint64_t>(plane.stride) * static_cast<std::uint64_t>(plane.height);
      }
      REQUIRE(layout.bytes == end);
    }
}

TEST_CASE("a matrix over a view is never continuous", "[layout]") {
  const ImageInfo info{64, 9, {Model::bgr, Depth::u16, true}, {}, 0};
  alignas(64) static std::byte memory[9 * (64 * 8 + 64)];
  const MutableView view = view_in(WriteBytes(memory), info, info.bounds());
  CHECK_FALSE(view.mat().isContinuous());
  CHECK(view.mat().type() == CV_16UC4);
  CHECK(view.plane().stride == 64 * 8 + 64);
}

TEST_CASE("a layout of many gigabytes does not overflow", "[layout]") {
  const ImageInfo info{kMaxSide, kMaxSide, {Model::bgr, Depth::f32, true}, {}, 0};
  CHECK(frame_layout(info, info.bounds()).bytes == (std::uint64_t{kMaxSide} * 16 + 64) * kMaxSide);
}
