// What happens to one image, decided before a pixel is touched. Pure: the coordinator (for admission) and the worker
// (for pixels) call make_plan with the same arguments and agree. Nothing of it depends on mode, workers or memory; the
// route (whole or spread) only decides whether the decoder's rows go through a ring or into a frame first.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pipeline/recipe.h"
#include "stages/chain.h"
#include "stages/codec.h"

namespace tessera::pipeline {

/// One step of a pass: a conversion, the EXIF turn, chroma on the grid of the output, or a stage of the recipe.
struct Step {
  enum class Kind : std::uint8_t { stage, convert, chroma, orient } kind = Kind::stage;
  const stages::Stage* stage = nullptr;
  std::string name{};                    // for people
  stages::PixelFormat to{};              // convert
  std::string background{};              // convert: what shows through where alpha is dropped
  int orientation = 1;                   // orient; stage: the turn that it is done before
  std::optional<stages::Grid> chroma{};  // chroma; stage: the grid that chroma planes get if it can give them one
  std::uint32_t number = 0;     // stage: its place in the recipe, from 1 (see stage_at); 0: not one of the recipe's
  std::int32_t statistic = -1;  // stage with a reduction: index of the statistic it resolves with
};

constexpr std::int32_t kDecoder = -1;
/// No stage makes a larger image than this.
constexpr std::uint64_t kMaxOutputPixels = 4'000'000'000;

/// One chain over one frame, or over the decoder's rows, band by band, into a frame or into a product; the rendered
/// bands may be measured on the way.
struct Pass {
  std::int32_t from_frame = kDecoder;
  std::vector<Step> steps;
  stages::ImageInfo input, output;
  std::int32_t into_frame = -1;  // or
  std::int32_t product = -1;     // index of the recipe's output
  std::int32_t measures = -1;    // statistic measured on the rendered bands
  std::int32_t band_rows = 0;    // a multiple of 16
  std::int32_t ring_rows = 0;    // from the decoder with steps: rows that a band needs at most
  std::uint64_t band_scratch_bytes = 0;
  /// The steps bound already, if no statistic is among them: binding taps takes milliseconds, so it is done once.
  std::vector<std::shared_ptr<const stages::Operation>> bound;
  std::vector<std::uint32_t> bound_stages;  // [bound]: Step::number

  std::int32_t bands() const { return (output.height + band_rows - 1) / band_rows; }
  stages::Region band(std::int32_t i) const;
};

/// A statistic of the whole image, measured by one pass, needed by a later one.
struct Statistic {
  const stages::Stage* stage = nullptr;
  std::string name;
  stages::ImageInfo measured;  // what the stage gets
  std::uint64_t bytes = 0;
};

enum class Route : std::uint8_t { whole, spread };

struct ImagePlan {
  Route route = Route::whole;
  stages::DecodeRequest decode;
  stages::Traits decode_traits;
  std::vector<Pass> passes;  // in order; up to the first unknown size unless `complete`
  std::vector<stages::ImageInfo> frames;
  std::vector<Statistic> statistics;
  bool complete = true;
  std::uint64_t frame_bytes = 0;    // most bytes of frames alive at once, whole route
  std::uint64_t private_bytes = 0;  // codecs, ring, scratch, bands: whole route, one slot
  std::uint64_t most_encoder_bytes = 0;
  std::uint64_t spread_bytes = 0;  // frames and bands of the spread route, most at once, without codecs; or, if
  bool windowed = false;           // spread: rows of the decoder's frame go as bands are done, the least that will do
  std::vector<std::string> reasons;
};

struct PlanOptions {
  std::int32_t band_rows = 0;  // 0: chosen by the plan. Debugging only: exact stages give the same bytes with any
};

/// The plan refers to the recipe's stages: the recipe outlives it.
/// resolved[i]: the output of the i-th stage whose size only its statistic knows. With `assume`, further ones are taken
/// at their upper bound, their input's size, so that memory can be estimated for the complete plan.
/// Throws ImageError when a stage cannot work on this image, or the output format cannot be known.
ImagePlan make_plan(const Recipe&, const stages::Header&, std::span<const stages::Codec* const> product_codecs,
                    const PlanOptions&, Route, std::span<const stages::ImageInfo> resolved, bool assume = false);

/// The pass's operations bound for this image; statistics[i] are the bytes of plan.statistics[i] as far as known.
stages::Chain bind_pass(const Pass&, std::span<const stages::ReadBytes> statistics);

/// Offsets of frames in one workspace, by first fit over their lifetimes. placed[i] are kept as they are; the result
/// covers all frames of the plan, workspace_bytes is the end of the highest one.
struct Placement {
  std::vector<std::uint64_t> offsets;
  std::uint64_t workspace_bytes = 0;
};
Placement place_frames(const ImagePlan&, std::span<const std::uint64_t> placed = {});

}  // namespace tessera::pipeline
