// Geometry as people type it in ImageMagick and vipsthumbnail: `800x600>`, `50%`, `640x480+10+20`. Text to numbers and
// numbers to sizes; nothing here touches pixels.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tessera::stages {

/// One side: pixels, or a share of the image's side.
struct Length {
  double value = 0;
  bool percent = false;
  /// Rounded to nearest (halves up), at least 1.
  double of(std::int32_t side) const;
};

struct GeometryText {
  std::optional<Length> width, height;                // at least one is set
  bool only_shrink = false;                           // >
  bool only_enlarge = false;                          // <
  bool exact = false;                                 // !  the aspect ratio does not matter
  bool cover = false;                                 // ^  at least this large instead of at most
  std::optional<std::array<std::int32_t, 2>> offset;  // +X+Y, either sign
  /// Both sides are shares of the image's own: ImageMagick keeps no aspect ratio then.
  bool percent() const { return width && height && width->percent && height->percent; }
};

/// `WxH`, `Wx`, `xH`, `W` (as `Wx`), `50%` (both sides), `50%x25%`; then any of > < ! ^; then `+X+Y`.
/// Throws std::invalid_argument with a sentence.
GeometryText parse_geometry(std::string_view text);

enum class Fit : std::uint8_t { inside, cover, fill };
enum class Only : std::uint8_t { both, shrink, enlarge };

/// The size that an image of width x height is scaled to, in pixels.
///   inside  at most the wanted sides, cover at least; the free side is rounded to nearest, at least 1 (ImageMagick)
///   fill    the wanted sides; a side that is not given stays in proportion
///   only    inside and cover: the image is left alone when the factor has the other direction. fill: each side for
///           itself, as ImageMagick does with `!>`
/// Throws ImageError when the result is larger than an image may be.
std::array<std::int32_t, 2> scaled_size(const GeometryText&, Fit, Only, std::int32_t width, std::int32_t height);

}  // namespace tessera::stages
