#include "pipeline/plan_memory.h"

#include <algorithm>

#include "pipeline/metadata_block.h"
#include "pipeline/spread_grid.h"
#include "stages/frame_layout.h"
#include "stages/source.h"

namespace tessera::pipeline {
using namespace stages;
namespace {

std::uint64_t image_bytes(const ImageInfo& info) { return frame_layout(info, info.bounds()).bytes; }

// Scratch of one band, most over the first, a middle and the last one. A pass that waits for a statistic counts as if
// it had one that changes nothing: lookups, gains and a crop take no more.
std::uint64_t band_scratch(const ImagePlan& plan, const Pass& pass) {
  std::vector<std::vector<std::byte>> nothing;
  for (const Statistic& statistic : plan.statistics) nothing.emplace_back(statistic.bytes);
  const std::vector<ReadBytes> unmeasured(nothing.begin(), nothing.end());
  const Chain chain = bind_pass(pass, unmeasured);
  std::uint64_t most = 0;
  for (const std::int32_t b : {0, pass.bands() / 2, pass.bands() - 1}) {
    const Region band = intersect(pass.band(b), chain.output().bounds());
    if (band.empty()) continue;
    const Region need = chain.required_input(band);
    // Spread: what crosses the pieces of a frame is gathered first.
    const bool gathered = pass.from_frame >= 0 && plan.route == Route::spread;
    most = std::max(most, chain.scratch_bytes(band) + (gathered ? frame_layout(pass.input, need).bytes : 0));
  }
  return most;
}

}  // namespace

void estimate_memory(ImagePlan& plan, const Recipe& recipe, const Header& header,
                     std::span<const Codec* const> product_codecs, std::size_t sealed) {
  plan.frame_bytes = place_frames(plan).workspace_bytes;
  std::uint64_t most_private = 0;
  for (Pass& pass : plan.passes) {
    const Region band = pass.band(0);
    pass.band_scratch_bytes = band_scratch(plan, pass);
    std::uint64_t bytes = pass.band_scratch_bytes;
    if (pass.from_frame == kDecoder)
      bytes += plan.decode_traits.private_bytes + DecoderSource::ring_bytes(plan.decode_traits, pass.ring_rows);
    if (pass.into_frame < 0) bytes += frame_layout(pass.output, band).bytes;
    if (pass.product >= 0) {
      const auto i = static_cast<std::size_t>(pass.product);
      const Values settings = settings_for(recipe.outputs[i], *product_codecs[i]);
      const std::uint64_t encoder = product_codecs[i]->encode_traits(pass.output, settings).private_bytes;
      plan.most_encoder_bytes = std::max(plan.most_encoder_bytes, encoder + 3 * std::uint64_t{header.metadata_bytes});
      bytes += encoder;
    }
    most_private = std::max(most_private, bytes);
  }
  plan.private_bytes = most_private + 3 * std::uint64_t{header.metadata_bytes};

  // Spread: passes run in order; while one fills its target its source and every frame a later pass reads are alive,
  // and the product of the pass before may still be encoding.
  std::uint64_t previous_product = 0;
  for (std::size_t p = 0; p < plan.passes.size(); ++p) {
    std::uint64_t alive = 0;
    for (std::size_t f = 0; f < plan.frames.size(); ++f) {
      bool made = false, needed = false;
      for (std::size_t q = 0; q < plan.passes.size(); ++q) {
        made |= q <= p && plan.passes[q].into_frame == static_cast<std::int32_t>(f);
        needed |= q >= p && (plan.passes[q].from_frame == static_cast<std::int32_t>(f) ||
                             plan.passes[q].into_frame == static_cast<std::int32_t>(f));
      }
      // Until the last unknown size is known, nobody knows which frames are needed, and all are kept.
      if (made && (needed || p < sealed)) alive += image_bytes(plan.frames[f]);
    }
    const std::uint64_t product = plan.passes[p].product >= 0 ? image_bytes(plan.passes[p].output) : 0;
    plan.spread_bytes = std::max(plan.spread_bytes, alive + product + previous_product);
    previous_product = product;
  }
  plan.windowed = plan.route == Route::spread && may_be_windowed(plan);
  if (plan.windowed) plan.spread_bytes = std::min(plan.spread_bytes, least_window_bytes(plan));
  plan.spread_bytes += metadata_block_bytes(header) * 4;
}

}  // namespace tessera::pipeline
