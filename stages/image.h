// What an image is, without its memory: format, size, the grids of its planes; and View, a window onto its samples.
//
// Every rectangle is a Region in full-size pixels. A plane is a grid laid over the full-size image: one sample covers
// 2^log2_x by 2^log2_y pixels. Chroma subsampling and scaled decoding are the same number, so no stage needs to know
// which of the two it is looking at. Nothing here owns pixels.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace tessera::stages {

using ReadBytes = std::span<const std::byte>;
using WriteBytes = std::span<std::byte>;

/// One image that cannot be processed, with a sentence a person understands. Never a programmer's mistake.
class ImageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Sample type. u8 holds 0..255, u16 0..65535, f32 nominally 0..1 and may lie outside.
enum class Depth : std::uint8_t { u8, u16, f32 };
/// gray and bgr are interleaved in plane 0 (alpha last); ycbcr_planar has three planes (alpha a fourth).
enum class Model : std::uint8_t { gray, bgr, ycbcr_planar };

struct PixelFormat {
  Model model = Model::bgr;
  Depth depth = Depth::u8;
  bool alpha = false;

  int planes() const { return model == Model::ycbcr_planar ? 3 + (alpha ? 1 : 0) : 1; }
  /// Interleaved samples per grid point of one plane.
  int channels() const { return model == Model::ycbcr_planar ? 1 : color_channels() + (alpha ? 1 : 0); }
  int color_channels() const { return model == Model::gray ? 1 : model == Model::bgr ? 3 : 1; }
  int sample_bytes() const { return depth == Depth::u8 ? 1 : depth == Depth::u16 ? 2 : 4; }
  int pixel_bytes() const { return channels() * sample_bytes(); }
  /// OpenCV's element type of one plane, for example CV_8UC3.
  int cv_type() const;
  bool operator==(const PixelFormat&) const = default;
};
std::string to_string(const PixelFormat&);  // "bgr u8", "gray u16 alpha"

/// Half-open rectangle in full-size pixels, never in samples.
struct Region {
  std::int32_t x0 = 0, y0 = 0, x1 = 0, y1 = 0;

  std::int32_t width() const { return x1 - x0; }
  std::int32_t height() const { return y1 - y0; }
  bool empty() const { return x1 <= x0 || y1 <= y0; }
  bool contains(const Region& r) const { return r.x0 >= x0 && r.y0 >= y0 && r.x1 <= x1 && r.y1 <= y1; }
  bool operator==(const Region&) const = default;
};
Region intersect(const Region&, const Region&);
Region unite(const Region&, const Region&);                           // bounding box; an empty one is ignored
Region grow(const Region&, std::int32_t halo_x, std::int32_t halo_y);  // not clipped

/// Sample i covers full-size pixels [(i << log2) + phase, ((i + 1) << log2) + phase), with -(2^log2) < phase <= 0.
/// A decoder's grid has phase 0; flips and crops of a coarse grid may leave another.
struct Grid {
  std::uint8_t log2_x = 0, log2_y = 0;
  std::int8_t phase_x = 0, phase_y = 0;
  bool full_size() const { return log2_x == 0 && log2_y == 0; }
  bool operator==(const Grid&) const = default;
};

/// Trivially copyable: crosses the wire and is checked (`valid`) on arrival.
struct ImageInfo {
  std::int32_t width = 0, height = 0;  // full-size pixels
  PixelFormat format;
  std::array<Grid, 4> grid{};   // [plane]
  std::uint64_t profile_id = 0;  // XXH3-64 of the ICC profile; 0 = none, assumed sRGB

  Region bounds() const { return {0, 0, width, height}; }
  bool full_size() const;  // every plane's grid is {0,0}
  bool operator==(const ImageInfo&) const = default;
};
static_assert(std::is_trivially_copyable_v<ImageInfo>);
constexpr std::int32_t kMaxSide = 1 << 26;  // libpng's, libjpeg's (65500) and TIFF's practical limits lie below
bool valid(const ImageInfo&);

/// The samples of `plane` that touch `region`: half-open, in the plane's own sample coordinates, rounded outwards,
/// clipped to the plane.
Region samples(const ImageInfo&, int plane, const Region& region);

/// Window onto the pixels of one region. Plane i holds exactly samples(info, i, region), first sample first.
/// Invariant: stride > row bytes, always, so that no cv::Mat over it is continuous and no layout chooses SIMD tails.
template <class Byte>
struct BasicView {
  struct Plane {
    Byte* data = nullptr;
    std::ptrdiff_t stride = 0;          // bytes
    std::int32_t width = 0, height = 0;  // samples
    template <class T>
    auto* row(std::int32_t y) const {
      using Sample = std::conditional_t<std::is_const_v<Byte>, const T, T>;
      return reinterpret_cast<Sample*>(data + y * stride);
    }
  };
  PixelFormat format;
  Region region;
  std::array<Plane, 4> planes{};

  /// A detached header over one plane, never a submatrix: OpenCV cannot look past the view's edges.
  cv::Mat mat(int plane = 0) const {
    const Plane& p = planes[static_cast<std::size_t>(plane)];
    return cv::Mat(p.height, p.width, format.cv_type(), const_cast<void*>(static_cast<const void*>(p.data)),
                   static_cast<std::size_t>(p.stride));
  }
  const Plane& plane(int i = 0) const { return planes[static_cast<std::size_t>(i)]; }
  operator BasicView<const std::byte>() const
    requires(!std::is_const_v<Byte>)
  {
    BasicView<const std::byte> view{format, region, {}};
    for (std::size_t i = 0; i < planes.size(); ++i)
      view.planes[i] = {planes[i].data, planes[i].stride, planes[i].width, planes[i].height};
    return view;
  }
};
using View = BasicView<const std::byte>;
using MutableView = BasicView<std::byte>;

/// The part of `view` (pixels of the image `info`) that shows `region`, which must lie inside view.region.
View sub_view(const ImageInfo& info, const View& view, const Region& region);
MutableView sub_view(const ImageInfo& info, const MutableView& view, const Region& region);

/// Copies the samples of `out.region` from `in`, whose region contains it. Same info for both.
void copy_plane(const ImageInfo& info, int plane, const View& in, const MutableView& out);
void copy_pixels(const ImageInfo& info, const View& in, const MutableView& out);

}  // namespace tessera::stages
