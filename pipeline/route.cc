#include "pipeline/route.h"

#include <algorithm>

namespace tessera::pipeline {
namespace {
// Smaller images are not worth the look at their header, some parts' worth of messages and a second slot's wake-up.
constexpr std::uint64_t kSpreadPixels = 8'000'000;
// What spreading has to save at least: estimates are no better.
constexpr double kWorthIt = 0.8;
constexpr std::uint64_t kNever = ~std::uint64_t{0};
// Of a pixel of a photograph on a machine of 2024, with a factor of two for its content. Only ratios count.
constexpr double kStepNs = 6;
double decode_ns(const stages::Codec& codec, int scale_log2) {
  if (codec.name() == "jpeg") return scale_log2 == 0 ? 6 : scale_log2 == 1 ? 3 : 2;
  return codec.name() == "png" ? 12 : 4;
}
// Of the first plane: sides are those at full size, whatever the decoder has shrunk.
double samples_of(const stages::ImageInfo& info) {
  return static_cast<double>(pipeline::pixels_of(info)) / (1 << (info.grid[0].log2_x + info.grid[0].log2_y));
}
double encode_ns(const stages::Codec& codec) {
  if (codec.name() == "jpeg") return 4;
  return codec.name() == "png" ? 50 : 4;
}

std::uint64_t pixels_of(const stages::Header& header) {
  return static_cast<std::uint64_t>(header.full.width) * static_cast<std::uint64_t>(header.full.height);
}
}  // namespace

std::uint64_t decline_above(Tiling tiling, int slots, bool tail) {
  if (tiling == Tiling::spread) return 0;
  if (tiling == Tiling::whole || slots == 1) return kNever;
  return tail ? kSpreadPixels : kNever;
}

double RouteCost::spread(int slots) const {
  // Pixels go through shared memory once on each side of the stages: 1 ns of each 10 that stages take.
  const double parallel = stages * 1.1 + (decode_in_parallel ? decode : 0);
  const double serial = std::max(decode_in_parallel ? 0 : decode, encode);
  return std::max(serial, (parallel + (decode_in_parallel ? 0 : decode) + encode) / slots);
}

RouteCost route_cost(const RouteQuestion& question) {
  RouteCost cost;
  const ImagePlan& plan = question.spread;
  const auto pixels = static_cast<double>(pixels_of(question.header));
  cost.decode_in_parallel = plan.decode_traits.access == stages::Access::regions;
  cost.decode = pixels * decode_ns(*stages::codecs()[question.header.codec], plan.decode.scale_log2);
  for (const Pass& pass : plan.passes) {
    if (pass.from_frame == kDecoder) continue;
    double steps = 0;
    for (const Step& step : pass.steps) steps += kStepNs * (step.stage ? step.stage->slowness() : 1);
    // A stage that shrinks reads its input, one that grows writes its output.
    cost.stages += std::max(samples_of(pass.input), samples_of(pass.output)) * steps;
    if (pass.product >= 0)
      cost.encode += static_cast<double>(pipeline::pixels_of(pass.output)) *
                     encode_ns(*question.products[static_cast<std::size_t>(pass.product)]);
  }
  return cost;
}

namespace {
// Decoder and encoder are kept while bands are rendered, one at least at a time.
std::uint64_t spread_private(const RouteQuestion& question) {
  std::uint64_t band_scratch = 0;
  for (const Pass& pass : question.spread.passes) band_scratch = std::max(band_scratch, pass.band_scratch_bytes);
  return question.spread.decode_traits.private_bytes + band_scratch + question.spread.most_encoder_bytes;
}
}  // namespace

std::uint64_t least_private(const RouteQuestion& question, Tiling tiling) {
  std::uint64_t spread = std::max(question.spread.decode_traits.private_bytes, question.spread.most_encoder_bytes);
  for (const Pass& pass : question.spread.passes) spread = std::max(spread, pass.band_scratch_bytes);
  const std::uint64_t whole = question.whole.private_bytes;
  return tiling == Tiling::whole ? whole : tiling == Tiling::spread ? spread : std::min(whole, spread);
}

std::uint64_t least_memory(const RouteQuestion& question, Tiling tiling) {
  const std::uint64_t whole = question.whole.frame_bytes + question.whole.private_bytes;
  const std::uint64_t spread = question.spread.spread_bytes + spread_private(question);
  return tiling == Tiling::whole ? whole : tiling == Tiling::spread ? spread : std::min(whole, spread);
}

std::optional<Route> choose_route(const RouteQuestion& question, Tiling tiling, int slots, const workers::Arena& arena,
                                  std::uint64_t most_private_bytes) {
  const auto fits = [&](std::uint64_t block_bytes, std::uint64_t private_bytes) {
    const workers::Want want{1, block_bytes, private_bytes};
    return arena.could_ever_fit({&want, 1});
  };
  const bool reportable = question.products.size() <= kMaxWholeProducts;
  const bool whole_fits = tiling != Tiling::spread && reportable &&
                          least_private(question, Tiling::whole) <= most_private_bytes &&
                          fits(question.whole.frame_bytes, question.whole.private_bytes);
  const bool spread_fits = tiling != Tiling::whole && least_private(question, Tiling::spread) <= most_private_bytes &&
                           fits(question.spread.spread_bytes, spread_private(question));
  if (question.retry && whole_fits) return Route::whole;
  const bool worth_it = slots > 1 && question.tail && pixels_of(question.header) > kSpreadPixels && [&] {
    const RouteCost cost = route_cost(question);
    return cost.spread(slots) < kWorthIt * cost.whole();
  }();
  if (spread_fits && (worth_it || !whole_fits)) return Route::spread;
  return whole_fits ? std::optional(Route::whole) : std::nullopt;
}

}  // namespace tessera::pipeline
