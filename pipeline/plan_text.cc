#include "pipeline/plan_text.h"

#include <fmt/format.h>

#include "pipeline/size_text.h"

namespace tessera::pipeline {

std::string to_text(const ImagePlan& plan, const Recipe& recipe) {
  std::string text =
      fmt::format("  decode   1/{} to {}\n", 1 << plan.decode.scale_log2, to_string(plan.decode_traits.info.format));
  for (std::size_t i = 0; i < plan.passes.size(); ++i) {
    const Pass& pass = plan.passes[i];
    std::string steps;
    for (const Step& step : pass.steps) steps += (steps.empty() ? "" : ", ") + step.name;
    const std::string from = pass.from_frame == kDecoder ? "decoder" : fmt::format("frame {}", pass.from_frame);
    std::string into = pass.into_frame >= 0 ? fmt::format("frame {}", pass.into_frame)
                       : pass.product >= 0
                           ? fmt::format("output {} ({})", pass.product + 1,
                                         recipe.outputs[static_cast<std::size_t>(pass.product)].name_template)
                           : "nothing kept";
    if (pass.measures >= 0)
      into += fmt::format(", measured for {}", plan.statistics[static_cast<std::size_t>(pass.measures)].name);
    text += fmt::format("  pass {}   {} -> [{}] -> {}: {}x{} {}, {} bands of {} rows", i + 1, from,
                        steps.empty() ? "as it is" : steps, into, pass.output.width, pass.output.height,
                        to_string(pass.output.format), pass.bands(), pass.band_rows);
    if (pass.from_frame == kDecoder && !pass.steps.empty())
      text += fmt::format(", streaming through a ring of {} rows", pass.ring_rows);
    text += "\n";
  }
  text += plan.route == Route::whole
              ? fmt::format("  memory   {} of frames, {} for codecs, ring and scratch\n",
                            format_bytes(plan.frame_bytes), format_bytes(plan.private_bytes))
              : fmt::format("  memory   {} of frames and bands over all workers\n", format_bytes(plan.spread_bytes));
  for (const std::string& reason : plan.reasons) text += fmt::format("  because  {}\n", reason);
  return text;
}

}  // namespace tessera::pipeline
