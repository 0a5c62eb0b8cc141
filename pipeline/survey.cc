#include "pipeline/survey.h"

#include <fmt/format.h>

#include <filesystem>

#include "pipeline/printable.h"

namespace tessera::pipeline {
namespace {

std::string absolute(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

}  // namespace

Survey survey(InputSet& inputs, const Recipe& recipe, const ProductNames& names, const std::string& root,
              OnExist on_exist, bool resume, bool print) {
  Survey survey;
  CollisionDetector collisions;
  while (const std::optional<Input> input = wait_for_next(inputs)) {
    ++survey.inputs;
    if (resume || on_exist == OnExist::overwrite || on_exist == OnExist::newer) survey.originals.add(input->path);
    if (input->error) {
      if (print) fmt::print("{} : {}\n", printable(input->path), printable(*input->error));
      continue;
    }
    try {
      for (std::size_t i = 0; i < recipe.outputs.size(); ++i) {
        if (!names.known_before_decode(i)) {
          if (print)
            fmt::print("{} -> {} (named once it is decoded)\n", printable(input->path),
                       recipe.outputs[i].name_template);
          continue;
        }
        const std::string output = root + "/" + names.name_of(*input, i, nullptr);
        if (const auto collision = collisions.add(absolute(output), absolute(input->path)))
          throw UsageError(to_string(*collision));
        const Existing existing = look_at_output(output, input->path);
        // The input's own time decides `newer` when the run looks again; here only what is certain is said.
        const Decision decision = decide(on_exist, existing, 0, false);
        const bool perhaps_ours = resume && existing.kind == Existing::Kind::file;
        if (existing.kind != Existing::Kind::absent && decision.action == Action::refuse && !perhaps_ours &&
            survey.existing++ == 0)
          survey.first_existing = fmt::format("{}: {}", output, decision.reason);
        if (print)
          fmt::print("{} -> {}{}\n", printable(input->path), printable(output),
                     existing.kind == Existing::Kind::absent ? ""
                     : perhaps_ours                          ? " (kept or replaced if this run made it)"
                     : decision.action == Action::replace    ? " (replaced)"
                     : on_exist == OnExist::newer            ? " (replaced if the input is newer)"
                                                             : fmt::format(" ({})", decision.reason));
      }
    } catch (const stages::ImageError& e) {
      if (print) fmt::print("{} : {}\n", printable(input->path), e.what());  // one failed item, when its turn comes
    }
  }
  return survey;
}

}  // namespace tessera::pipeline
