#include "pipeline/decode_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "stages/orientation.h"

namespace tessera::pipeline {
using namespace stages;
namespace {

/// The stages that make output `i`, in order.
std::vector<const StageSpec*> stages_of(const Recipe& recipe, std::size_t i) {
  std::vector<const StageSpec*> all;
  for (const StageSpec& spec : recipe.common) all.push_back(&spec);
  for (const StageSpec& spec : recipe.outputs[i].stages) all.push_back(&spec);
  return all;
}

struct Shrink {
  int log2 = 0;
  std::string reason;
};

// What the first stage that computes samples lets the decoder do. Stages before it only move samples, which they do on
// a coarse grid as well.
Shrink shrink_for(const std::vector<const StageSpec*>& stages, ImageInfo info, bool exact) {
  std::string moved;
  for (const StageSpec* spec : stages) {
    if (!spec->stage->only_moves_samples()) {
      const int log2 = spec->stage->decode_scale_log2(info, exact);
      return {log2, fmt::format("{} shrinks {}", spec->op,
                                moved.empty() ? "further" : fmt::format("what {} leaves further", moved))};
    }
    info = spec->stage->output(info).value();
    moved = spec->op;
  }
  return {};
}

// Why planes cannot be kept on the way to output `i`; empty: they can.
std::string obstacle(const std::vector<const StageSpec*>& stages, ImageInfo info, bool output_takes_planes,
                     std::size_t i) {
  for (const StageSpec* spec : stages) {
    const PixelFormat working = spec->stage->working_format(info.format);
    if (working.model == Model::gray) return {};  // of the luma plane, exactly; what follows never has planes
    if (working != info.format) return fmt::format("{} works on colours", spec->op);
    if (!spec->stage->accepts_grids(info)) return fmt::format("{} needs full-size planes", spec->op);
    const std::optional<ImageInfo> output = spec->stage->output(info);
    if (!output || spec->stage->reduction(info)) return fmt::format("{} measures colours", spec->op);
    info = *output;
  }
  return output_takes_planes ? "" : fmt::format("output {} does not store them", i + 1);
}

}  // namespace

std::optional<Grid> chroma_of(const Recipe& recipe, std::span<const Codec* const> product_codecs, std::size_t output) {
  const Codec& codec = *product_codecs[output];
  return codec.chroma_grid(settings_for(recipe.outputs[output], codec));
}

DecodeChoice choose_decode(const Recipe& recipe, const Header& header, std::span<const Codec* const> product_codecs) {
  DecodeChoice choice;
  choice.request.fail_on = recipe.fail_on;
  const ImageInfo upright = oriented_info(header.full, header.orientation);
  Shrink least{header.max_scale_log2, {}};
  for (std::size_t i = 0; i < recipe.outputs.size() && !recipe.full_decode; ++i) {
    const bool exact = !product_codecs[i]->hides_small_errors(settings_for(recipe.outputs[i], *product_codecs[i]));
    Shrink shrink = shrink_for(stages_of(recipe, i), upright, exact);
    if (shrink.log2 < least.log2 || least.reason.empty())
      least = {std::min(least.log2, shrink.log2), std::move(shrink.reason)};
  }
  choice.request.scale_log2 = static_cast<std::uint8_t>(recipe.full_decode ? 0 : least.log2);
  if (choice.request.scale_log2 > 0)
    choice.reasons.push_back(fmt::format("decoded at 1/{}: {}", 1 << choice.request.scale_log2, least.reason));
  else if (header.max_scale_log2 > 0)
    choice.reasons.push_back(recipe.full_decode
                                 ? "decoded at full size: the recipe says so"
                                 : "decoded at full size: no stage shrinks enough, first, for the decoder to help");

  if (!header.planar) return choice;
  DecodeRequest planar = choice.request;
  planar.planar = true;
  const ImageInfo planes =
      oriented_info(codecs()[header.codec]->decode_traits(header, planar).info, header.orientation);
  for (std::size_t i = 0; i < recipe.outputs.size(); ++i) {
    const std::string why = obstacle(stages_of(recipe, i), planes, chroma_of(recipe, product_codecs, i).has_value(), i);
    if (why.empty()) continue;
    choice.reasons.push_back(fmt::format("planes are not kept: {}", why));
    return choice;
  }
  choice.request = planar;
  choice.reasons.push_back("planes are kept: nothing works on colours");
  return choice;
}

}  // namespace tessera::pipeline
