// What a recipe says about pixels, before any image is known. Bound once per image (`bind`) into an Operation.
#pragma once

#include <memory>
#include <optional>

#include "stages/operation.h"

namespace tessera::stages {

/// A statistic of the whole image. Integers only: any split of the image, in any order, gives the same bytes.
class Reduction {
 public:
  virtual ~Reduction() = default;
  virtual std::size_t bytes() const = 0;  // zeroed bytes = nothing measured yet; 8-byte aligned storage
  /// Adds the pixels of `core` to `sum`. Every pixel of the image is in exactly one core: no halos.
  virtual void measure(const View& core, WriteBytes sum) const = 0;
  virtual void merge(ReadBytes other, WriteBytes sum) const = 0;
};

/// any_tiling: the same bytes whatever the bands. same_tiling: the same bytes for the same band grid only; no stage is
/// so, and none may be until chains can be told not to cut their bands into pieces.
enum class Exactness : std::uint8_t { any_tiling, same_tiling };

/// What belongs to one image and is known when its stages are bound.
struct BindContext {
  ReadBytes statistic{};  // what the stage's own reduction found; zeroed bytes bind to a stage that changes nothing
  /// The grid that the chroma planes shall have afterwards. Only a resize can give it; others keep what comes.
  std::optional<Grid> chroma{};
  /// EXIF orientation that the image is turned from after this stage, if the stage goes_before_turns(): it is given
  /// the image as stored and does there what, turned, it would have done to the upright one.
  int orientation = 1;
};

class Stage {
 public:
  virtual ~Stage() = default;
  virtual Exactness exactness(PixelFormat) const { return Exactness::any_tiling; }
  /// The format the stage computes in: `in`, or what the plan must convert to before it.
  virtual PixelFormat working_format(PixelFormat in) const = 0;
  /// False: a plane is coarser than the stage can work on (chroma, scaled decoding). `in` is in the working format.
  virtual bool accepts_grids(const ImageInfo& in) const { return in.full_size(); }
  /// True if samples are only moved, so that the decoder may shrink before this stage what it may before the next one.
  virtual bool only_moves_samples() const { return false; }
  /// True if the stage can be done before the turn to upright: see BindContext::orientation.
  virtual bool goes_before_turns() const { return false; }
  /// How far (as a power of two) a decoder may shrink the image for this stage without visible loss. `exact`: no loss of
  /// the output's own hides what that costs.
  virtual int decode_scale_log2(const ImageInfo&, [[maybe_unused]] bool exact) const { return 0; }
  /// Empty: only the statistic knows (trim). `in` is in the working format. Throws ImageError when the stage cannot
  /// work on this image (a crop outside it).
  virtual std::optional<ImageInfo> output(const ImageInfo& in) const = 0;
  virtual std::unique_ptr<const Reduction> reduction(const ImageInfo&) const { return nullptr; }
  virtual std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext&) const = 0;
  /// How many times as long as most stages it may take for a pixel: for whoever decides when a job has hung.
  virtual std::uint32_t slowness() const { return 1; }
};

}  // namespace tessera::stages
