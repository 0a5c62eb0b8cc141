#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "pipeline/commands/commands.h"
#include "pipeline/reference.h"
#include "pipeline/usage_error.h"
#include "stages/catalogue.h"

namespace tessera::pipeline {
namespace {

struct StagesFlags {
  std::string name;
  bool markdown = false;
};

int list(const StagesFlags& flags) {
  if (flags.markdown) {
    fmt::print("{}", stages_markdown());
    return kAllDone;
  }
  if (flags.name.empty()) {
    fmt::print("{}", stages_list());
    return kAllDone;
  }
  const stages::StageEntry* entry = stages::find_stage(flags.name);
  if (!entry) {
    std::vector<std::string_view> names;
    for (const auto& known : stages::catalogue()) names.push_back(known.name);
    const std::string_view near = stages::nearest(flags.name, names);
    throw UsageError(fmt::format("there is no stage '{}'{}", flags.name,
                                 near.empty() ? "; see 'tessera stages'" : fmt::format("; did you mean '{}'?", near)));
  }
  fmt::print("{}", stage_detail(*entry));
  return kAllDone;
}

}  // namespace

void add_stages(CLI::App& program, Command& chosen) {
  const auto flags = std::make_shared<StagesFlags>();
  CLI::App& app = *program.add_subcommand("stages", "List the stages, or one with its parameters");
  app.add_option("name", flags->name, "A stage")->type_name("STAGE");
  app.add_flag("--markdown", flags->markdown, "The reference of all stages and formats, for README.md");
  app.callback([flags, &chosen] { chosen = [flags] { return list(*flags); }; });
}

}  // namespace tessera::pipeline
