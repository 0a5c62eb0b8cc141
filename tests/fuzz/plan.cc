// The header that a worker answers with, and the size that a stage was resolved to, as bytes. The coordinator plans
// with whatever it finds plausible: no crash, no error but an ImageError, no memory to speak of, and placed frames
// inside their workspace.
#include "pipeline/plan.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "pipeline/stage_text.h"
#include "pipeline/wire.h"
#include "stages/frame_layout.h"
#include "tests/fuzz/fuzz.h"

namespace tessera::fuzz {
using namespace pipeline;
namespace {

Recipe recipe_of(std::initializer_list<std::string_view> stages, std::size_t outputs = 1) {
  RecipeFile file = default_recipe();
  CommandLineOverrides flags;
  for (const std::string_view text : stages) {
    const StageText parsed = parse_stage_text(text);
    flags.stages.push_back(make_stage_spec(parsed.op, parsed.pairs, text));
  }
  apply(flags, file);
  file.recipe.outputs.resize(outputs, file.recipe.outputs[0]);
  return std::move(file.recipe);
}

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> all = [] {
    std::vector<Recipe> list;
    list.push_back(recipe_of({}));
    list.push_back(recipe_of({"resize 1600x1600>", "sharpen amount=0.5"}));
    list.push_back(recipe_of({"resize 200%"}));
    list.push_back(recipe_of({"rotate 90", "crop 50%x50%"}));
    list.push_back(recipe_of({"rotate 7", "gaussian 3"}));
    list.push_back(recipe_of({"trim", "resize 300x300^ fit=cover"}));
    list.push_back(recipe_of({"equalize", "flop"}, 2));
    return list;
  }();
  return all;
}

void check(const ImagePlan& plan) {
  const Placement placement = place_frames(plan);
  for (std::size_t i = 0; i < plan.frames.size(); ++i) {
    const std::uint64_t bytes = stages::frame_layout(plan.frames[i], plan.frames[i].bounds()).bytes;
    require(placement.offsets[i] + bytes <= placement.workspace_bytes, "a frame lies inside the workspace");
  }
  for (const Pass& pass : plan.passes) require(pass.bands() > 0, "a pass has bands");
}

void plan(const Recipe& recipe, const stages::Header& header, const stages::ImageInfo& resolved, Route route) {
  const std::vector<const stages::Codec*> product(recipe.outputs.size(), stages::codecs()[header.codec]);
  try {
    check(make_plan(recipe, header, product, {}, route, {}, true));
    const ImagePlan known = make_plan(recipe, header, product, {}, route, {});
    if (!known.complete && plausible(resolved, known.statistics.back().measured))
      check(make_plan(recipe, header, product, {}, route, {&resolved, 1}));
  } catch (const stages::ImageError&) {
    // a stage cannot work on such an image
  }
}

}  // namespace
}  // namespace tessera::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera;
  struct Answer {
    stages::Header header;
    stages::ImageInfo resolved;
  };
  std::array<std::byte, sizeof(Answer)> bytes{};
  if (size <= sizeof(stages::Header)) return 0;
  std::memcpy(bytes.data(), data + 1, std::min(size - 1, bytes.size()));
  const auto [header, resolved] = pipeline::get_payload<Answer>(bytes);
  if (!pipeline::plausible(header)) return 0;
  const auto& recipe = fuzz::recipes()[data[0] % fuzz::recipes().size()];
  for (const auto route : {pipeline::Route::whole, pipeline::Route::spread})
    fuzz::plan(recipe, header, resolved, route);
  return 0;
}
