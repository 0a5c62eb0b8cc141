// Stages as after -s, one a line, on a small image whose format, size and grids the first bytes choose. Text that
// parses is written and parsed again to the same; bound stages keep the size they promise, ask only for what the image
// has, stay inside the scratch they announce, and give the same pixels in one band and in many.
#include <algorithm>

#include "pipeline/recipe.h"
#include "pipeline/stage_text.h"
#include "stages/chain.h"
#include "stages/convert.h"
#include "tests/fuzz/fuzz.h"

namespace tessera::fuzz {
using namespace stages;
namespace {

constexpr std::size_t kHeaderBytes = 5, kMaxStages = 4;
constexpr std::int64_t kMaxPixels = 1 << 16, kMaxOutputSide = 1 << 13;

ImageInfo draw_info(const std::uint8_t* data) {
  ImageInfo info{1 + data[0] % 96, 1 + data[1] % 96, {}, {}, 0};
  info.format.model = static_cast<Model>(data[2] % 3);
  info.format.depth = info.format.model == Model::ycbcr_planar ? Depth::u8 : static_cast<Depth>(data[2] / 3 % 3);
  info.format.alpha = info.format.model != Model::ycbcr_planar && (data[2] & 0x80) != 0;
  if (info.format.model == Model::ycbcr_planar) {
    info.grid[1].log2_x = info.grid[2].log2_x = data[3] & 1;
    info.grid[1].log2_y = info.grid[2].log2_y = data[3] >> 1 & 1;
  }
  return info;
}

pipeline::StageSpec parse_line(std::string_view line) {
  const pipeline::StageText parsed = pipeline::parse_stage_text(line);
  require(pipeline::parse_stage_text(pipeline::to_stage_text(parsed.op, parsed.pairs)) == parsed,
          "a stage as text parses back to itself");
  pipeline::StageSpec spec = pipeline::make_stage_spec(parsed.op, parsed.pairs, "fuzz");
  const auto again = pipeline::make_stage_spec(spec.op, spec.values.pairs(), "fuzz");
  require(again.values == spec.values, "canonical values are their own canonical form");
  return spec;
}

/// In one core and in several.
std::vector<std::uint64_t> measure(const Reduction& reduction, const Picture& picture, std::int32_t rows) {
  const auto zeroed = [&] { return std::vector<std::uint64_t>((reduction.bytes() + 7) / 8); };
  const auto bytes_of = [&](std::vector<std::uint64_t>& sum) {
    return std::as_writable_bytes(std::span(sum)).first(reduction.bytes());
  };
  std::vector<std::uint64_t> whole = zeroed(), merged = zeroed();
  reduction.measure(picture.view(), bytes_of(whole));
  for (const Region& core : bands(picture.info(), rows, 1)) {
    std::vector<std::uint64_t> part = zeroed();
    reduction.measure(sub_view(picture.info(), picture.view(), core), bytes_of(part));
    reduction.merge(bytes_of(part), bytes_of(merged));
  }
  require(whole == merged, "cores do not change a statistic");
  return whole;
}

Picture render(const Chain& chain, const Picture& in, std::int32_t rows) {
  Picture out(chain.output());
  FrameSource source(in.info(), in.view());
  for (const Region& band : bands(out.info(), rows, 1)) {
    const Region need = chain.required_input(band);
    require(!need.empty() && in.info().bounds().contains(need), "an operation needs a part of its input");
    Scratch scratch;
    chain.render(source, sub_view(out.info(), out.view(), band), scratch);
    require(scratch.resident_bytes() <= chain.scratch_bytes(band), "scratch stays inside its bound");
  }
  return out;
}

Picture run(std::unique_ptr<const Operation> operation, const Picture& in, std::int32_t rows, bool exact) {
  std::vector<std::shared_ptr<const Operation>> operations;
  operations.push_back(std::move(operation));
  const Chain chain(in.info(), std::move(operations));
  Picture whole = render(chain, in, chain.output().height);
  if (exact) require(same_pixels(whole, render(chain, in, rows)), "bands do not change pixels");
  return whole;
}

/// False: the result would be too large to go on with here.
bool apply_stage(const Stage& stage, Picture& picture, std::int32_t rows) {
  if (const PixelFormat working = stage.working_format(picture.info().format); working != picture.info().format)
    picture = run(convert_format(picture.info(), working, {}), picture, rows, true);
  require(stage.accepts_grids(picture.info()), "a stage gets the grids that it takes");
  const std::optional<ImageInfo> promised = stage.output(picture.info());
  if (promised) {
    require(valid(*promised), "a stage promises a valid image");
    if (std::int64_t{promised->width} * promised->height > kMaxPixels ||
        std::max(promised->width, promised->height) > kMaxOutputSide)
      return false;
  }
  std::vector<std::uint64_t> statistic;
  const auto reduction = stage.reduction(picture.info());
  if (reduction) statistic = measure(*reduction, picture, rows);
  auto operation = stage.bind(picture.info(), {std::as_bytes(std::span(statistic))});
  require(valid(operation->output()), "an operation makes a valid image");
  require(!promised || operation->output() == *promised, "an operation makes what its stage promised");
  picture = run(std::move(operation), picture, rows, stage.exactness(picture.info().format) == Exactness::any_tiling);
  return true;
}

void run_stages(const std::uint8_t* data, std::string_view text) {
  Picture picture(draw_info(data));
  picture.fill(data[4]);
  const std::int32_t rows = 1 + data[4] % 37;
  for (std::size_t i = 0; i < kMaxStages && !text.empty(); ++i) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const pipeline::StageSpec spec = parse_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!apply_stage(*spec.stage, picture, rows)) return;
  }
}

}  // namespace
}  // namespace tessera::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera;
  if (size < fuzz::kHeaderBytes) return 0;
  try {
    fuzz::run_stages(data, fuzz::text_of(data + fuzz::kHeaderBytes, size - fuzz::kHeaderBytes));
  } catch (const pipeline::UsageError&) {
  } catch (const stages::ImageError&) {
  }
  return 0;
}
