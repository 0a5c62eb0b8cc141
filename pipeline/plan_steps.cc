// The steps of a pass as operations bound to one image.
#include "pipeline/plan_steps.h"

#include "stages/convert.h"
#include "stages/orientation.h"
#include "stages/resampler.h"

namespace tessera::pipeline {
using namespace stages;

std::vector<std::unique_ptr<const Operation>> bind_step(const Step& step, const ImageInfo& in, ReadBytes statistic) {
  std::vector<std::unique_ptr<const Operation>> operations;
  switch (step.kind) {
    case Step::Kind::stage:
      operations.push_back(step.stage->bind(in, {statistic, step.chroma, step.orientation}));
      break;
    case Step::Kind::convert:
      operations.push_back(convert_format(in, step.to, parse_color(step.background)));
      break;
    case Step::Kind::chroma:
      operations.push_back(resample(in, {in.width, in.height, in.bounds(), step.chroma}, Filter::catmull_rom));
      break;
    case Step::Kind::orient:
      return orientation_operations(in, step.orientation);
  }
  return operations;
}

Chain bind_pass(const Pass& pass, std::span<const ReadBytes> statistics) {
  if (!pass.bound.empty() || pass.steps.empty()) return Chain(pass.input, pass.bound, pass.bound_stages);
  std::vector<std::shared_ptr<const Operation>> operations;
  std::vector<std::uint32_t> numbers;
  ImageInfo info = pass.input;
  for (const Step& step : pass.steps) {
    const ReadBytes statistic =
        step.statistic >= 0 ? statistics[static_cast<std::size_t>(step.statistic)] : ReadBytes();
    for (auto& operation : bind_step(step, info, statistic)) {
      info = operation->output();
      operations.push_back(std::move(operation));
      numbers.push_back(step.number);
    }
  }
  return Chain(pass.input, std::move(operations), std::move(numbers));
}

}  // namespace tessera::pipeline
