#include <fmt/format.h>

#include "pipeline/commands/commands.h"
#include "pipeline/commands/options.h"
#include "pipeline/inspect.h"
#include "pipeline/name_template.h"
#include "pipeline/plan_text.h"
#include "pipeline/runner.h"

namespace tessera::pipeline {
namespace {

struct PlanFlags {
  RecipeFlags recipe;
  InputFlags inputs;
  bool spread = false;
};

std::vector<const stages::Codec*> codecs_for(const Recipe& recipe, const std::string& path) {
  std::vector<const stages::Codec*> codecs;
  for (const OutputSpec& output : recipe.outputs) {
    codecs.push_back(output.codec ? output.codec : stages::codec_for_extension(extension_of(path)));
    if (!codecs.back())
      throw stages::ImageError("its extension names no format that can be written; choose one with --format");
  }
  return codecs;
}

int plan(const PlanFlags& flags) {
  const auto recipe = std::make_shared<const Recipe>(flags.recipe.load(flags.inputs.recipe_path()).recipe);
  std::vector<std::string> paths;
  const auto inputs = make_input_set(flags.inputs.sources(), flags.inputs.options(""));
  while (const auto input = inputs->next()) paths.push_back(input->path);
  if (paths.empty()) {
    fmt::print(stderr, "tessera: no input matched\n");
    return kNothingMatched;
  }
  const workers::Workforce workforce = workers::make_workforce({}, 256u << 20, make_runner(recipe, {}, 1));
  const auto inspections = inspect(*workforce.executor, JobKind::info, paths);
  const Route route = flags.spread ? Route::spread : Route::whole;
  bool failed = false;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    try {
      if (!inspections[i].error.empty()) throw stages::ImageError(inspections[i].error);
      const stages::Header& header = inspections[i].header;
      const auto codecs = codecs_for(*recipe, paths[i]);
      const ImagePlan made = make_plan(*recipe, header, codecs, {}, route, {}, true);
      fmt::print("{}: {}x{} {}{}\n{}", paths[i], header.full.width, header.full.height,
                 stages::codecs()[header.codec]->name(), header.progressive ? ", progressive" : "",
                 to_text(made, *recipe));
    } catch (const stages::ImageError& e) {
      fmt::print(stderr, "tessera: {}: {}\n", paths[i], e.what());
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
  app.add_flag("--spread", flags->spread, "The plan for an image whose bands go to all slots");
  app.callback([flags, &chosen] { chosen = [flags] { return plan(*flags); }; });
}

}  // namespace tessera::pipeline
