#include <fmt/format.h>

#include "pipeline/commands/commands.h"
#include "pipeline/commands/options.h"
#include "pipeline/console.h"
#include "pipeline/inspect.h"
#include "pipeline/plan_text.h"
#include "pipeline/printable.h"
#include "pipeline/publisher.h"
#include "pipeline/runner.h"

namespace tessera::pipeline {
namespace {

struct PlanFlags {
  RecipeFlags recipe;
  InputFlags inputs;
  SandboxFlag sandbox;
  LimitFlags limits;
  bool spread = false;
};

int plan(PlanFlags& flags) {
  const auto recipe = std::make_shared<const Recipe>(flags.recipe.load(flags.inputs.recipe_path()).recipe);
  const ProductNames names(*recipe);
  const std::vector<std::string> paths = flags.inputs.all_paths();
  if (paths.empty()) {
    say(stderr, "tessera: no input matched\n");
    return kNothingMatched;
  }
  flags.sandbox.announce();
  const auto inspections = inspect_headers(recipe, flags.sandbox.value(), paths,
                                           {flags.limits.max_pixels(), flags.limits.time(), kInspectorBytes});
  const Route route = flags.spread ? Route::spread : Route::whole;
  bool failed = false;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    try {
      if (!inspections[i].error.empty()) throw stages::ImageError(inspections[i].error);
      const stages::Header& header = inspections[i].header;
      std::vector<const stages::Codec*> codecs;
      for (std::size_t o = 0; o < recipe->outputs.size(); ++o) codecs.push_back(&names.codec_of(paths[i], o));
      const ImagePlan made = make_plan(*recipe, header, codecs, {}, route, {}, true);
      fmt::print("{}: {}x{} {}{}\n{}", printable(paths[i]), header.full.width, header.full.height,
                 stages::codecs()[header.codec]->name(), header.progressive ? ", progressive" : "",
                 to_text(made, *recipe));
    } catch (const stages::ImageError& e) {
      say(stderr, fmt::format("tessera: {}: {}\n", printable(paths[i]), printable(e.what())));
      failed = true;
    }
  }
  return failed ? kSomeFailed : kAllDone;
}

}  // namespace

void add_plan(CLI::App& program, Command& chosen) {
  const auto flags = std::make_shared<PlanFlags>();
  CLI::App& app = *program.add_subcommand("plan", "Say what would be done to each image, and why; process nothing");
  flags->inputs.add_to(app, true);
  flags->recipe.add_to(app);
  flags->limits.add_to(app);
  app.option_defaults()->group("Options");
  app.add_flag("--spread", flags->spread, "The plan for an image whose bands go to all slots");
  flags->sandbox.add_to(app);
  app.callback([flags, &chosen] { chosen = [flags] { return plan(*flags); }; });
}

}  // namespace tessera::pipeline
