#include "pipeline/route.h"

#include <algorithm>

namespace tessera::pipeline {
namespace {
// Larger images are looked at before they are run, for bands on all slots may pay.
constexpr std::uint64_t kSpreadPixels = 48'000'000;
// ... and from here on when fewer images are left than slots.
constexpr std::uint64_t kTailSpreadPixels = 16'000'000;
constexpr std::uint64_t kNever = ~std::uint64_t{0};

std::uint64_t pixels_of(const stages::Header& header) {
  return static_cast<std::uint64_t>(header.full.width) * static_cast<std::uint64_t>(header.full.height);
}
}  // namespace

std::uint64_t decline_above(Tiling tiling, int slots, bool tail) {
  if (tiling == Tiling::spread) return 0;
  if (tiling == Tiling::whole || slots == 1) return kNever;
  return tail ? kTailSpreadPixels : kSpreadPixels;
}

namespace {
std::uint64_t spread_private(const RouteQuestion& question, int slots) {
  std::uint64_t band_scratch = 0;
  for (const Pass& pass : question.spread.passes) band_scratch = std::max(band_scratch, pass.band_scratch_bytes);
  return std::max(question.spread.decode_traits.private_bytes, band_scratch * static_cast<std::uint64_t>(slots)) +
         question.spread.most_encoder_bytes;
}
}  // namespace

std::uint64_t least_private(const RouteQuestion& question, Tiling tiling) {
  std::uint64_t spread = std::max(question.spread.decode_traits.private_bytes, question.spread.most_encoder_bytes);
  for (const Pass& pass : question.spread.passes) spread = std::max(spread, pass.band_scratch_bytes);
  const std::uint64_t whole = question.whole.private_bytes;
  return tiling == Tiling::whole ? whole : tiling == Tiling::spread ? spread : std::min(whole, spread);
}

std::uint64_t least_memory(const RouteQuestion& question, Tiling tiling, int slots) {
  const std::uint64_t whole = question.whole.frame_bytes + question.whole.private_bytes;
  const std::uint64_t spread = question.spread.spread_bytes + spread_private(question, slots);
  return tiling == Tiling::whole ? whole : tiling == Tiling::spread ? spread : std::min(whole, spread);
}

std::optional<Route> choose_route(const RouteQuestion& question, Tiling tiling, int slots, const workers::Arena& arena,
                                  std::uint64_t most_private_bytes) {
  const auto fits = [&](std::uint64_t block_bytes, std::uint64_t private_bytes) {
    const workers::Want want{1, block_bytes, private_bytes};
    return arena.could_ever_fit({&want, 1});
  };
  const bool reportable = question.products <= kMaxWholeProducts;
  const bool whole_fits = tiling != Tiling::spread && reportable &&
                          least_private(question, Tiling::whole) <= most_private_bytes &&
                          fits(question.whole.frame_bytes, question.whole.private_bytes);
  const bool spread_fits = tiling != Tiling::whole && least_private(question, Tiling::spread) <= most_private_bytes &&
                           fits(question.spread.spread_bytes, spread_private(question, slots));
  if (question.retry && whole_fits) return Route::whole;
  const bool worth_it = slots > 1 && pixels_of(question.header) > kTailSpreadPixels && question.spread.stage_work > 0;
  if (spread_fits && (worth_it || !whole_fits)) return Route::spread;
  return whole_fits ? std::optional(Route::whole) : std::nullopt;
}

}  // namespace tessera::pipeline
