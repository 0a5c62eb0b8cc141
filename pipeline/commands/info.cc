#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "pipeline/commands/commands.h"
#include "pipeline/commands/options.h"
#include "pipeline/console.h"
#include "pipeline/inspect.h"
#include "pipeline/printable.h"
#include "pipeline/runner.h"
#include "pipeline/size_text.h"

namespace tessera::pipeline {
namespace {

struct InfoFlags {
  InputFlags inputs;
  SandboxFlag sandbox;
  LimitFlags limits;
  bool json = false;
};

std::string sampling(const stages::Header& header) {
  if (!header.planar || header.full.format.model == stages::Model::gray) return "";
  const auto [x, y] = header.chroma_log2;
  if (x == 0 && y == 0) return "4:4:4";
  if (x == 1 && y == 0) return "4:2:2";
  if (x == 1 && y == 1) return "4:2:0";
  if (x == 0 && y == 1) return "4:4:0";
  if (x == 2 && y == 0) return "4:1:1";
  return fmt::format("1/{}x1/{} chroma", 1 << x, 1 << y);
}

nlohmann::ordered_json json_of(const std::string& path, const Inspection& inspection) {
  nlohmann::ordered_json row;
  row["file"] = path;
  if (!inspection.error.empty()) {
    row["error"] = inspection.error;
    return row;
  }
  const stages::Header& h = inspection.header;
  row["format"] = stages::codecs()[h.codec]->name();
  row["width"] = h.full.width;
  row["height"] = h.full.height;
  row["pixels"] = to_string(h.full.format);
  row["pages"] = h.pages;
  row["orientation"] = h.orientation;
  row["progressive"] = h.progressive;
  row["chroma"] = sampling(h);
  row["icc_profile"] =
      h.full.profile_id ? nlohmann::ordered_json(fmt::format("{:016x}", h.full.profile_id)) : nlohmann::ordered_json();
  row["bytes"] = inspection.bytes;
  return row;
}

std::string line_of(const Inspection& inspection) {
  const stages::Header& h = inspection.header;
  std::string line = fmt::format("{} {}x{} {}", stages::codecs()[h.codec]->name(), h.full.width, h.full.height,
                                 to_string(h.full.format));
  if (const std::string chroma = sampling(h); !chroma.empty()) line += " " + chroma;
  if (h.progressive) line += " progressive";
  if (h.orientation != 1) line += fmt::format(" orientation {}", h.orientation);
  if (h.full.profile_id) line += fmt::format(" icc {:08x}", h.full.profile_id >> 32);
  if (h.pages > 1) line += fmt::format(" {} pages", h.pages);
  return line + ", " + format_bytes(inspection.bytes);
}

int info(InfoFlags& flags) {
  const std::vector<std::string> paths = flags.inputs.all_paths();
  if (paths.empty()) {
    say(stderr, "tessera: no input matched\n");
    return kNothingMatched;
  }
  const auto recipe = std::make_shared<const Recipe>(default_recipe().recipe);
  flags.sandbox.announce();
  const auto inspections = inspect_headers(recipe, flags.sandbox.value(), paths,
                                           {flags.limits.max_pixels(), flags.limits.time(), kInspectorBytes});
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (flags.json)
      fmt::print("{}\n",
                 json_of(paths[i], inspections[i]).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    else if (inspections[i].error.empty())
      fmt::print("{}: {}\n", printable(paths[i]), line_of(inspections[i]));
    else
      say(stderr, fmt::format("tessera: {}: {}\n", printable(paths[i]), printable(inspections[i].error)));
  }
  const bool failed = std::ranges::any_of(inspections, [](const Inspection& i) { return !i.error.empty(); });
  return failed ? kSomeFailed : kAllDone;
}

}  // namespace

void add_info(CLI::App& program, Command& chosen) {
  const auto flags = std::make_shared<InfoFlags>();
  CLI::App& app = *program.add_subcommand("info", "Say what each file is, from its header");
  flags->inputs.add_to(app, false);
  flags->limits.add_to(app);
  app.option_defaults()->group("Options");
  app.add_flag("--json", flags->json, "One JSON object a line");
  flags->sandbox.add_to(app);
  app.callback([flags, &chosen] { chosen = [flags] { return info(*flags); }; });
}

}  // namespace tessera::pipeline
