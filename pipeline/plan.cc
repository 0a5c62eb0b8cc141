#include "pipeline/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "pipeline/decode_choice.h"
#include "pipeline/plan_memory.h"
#include "pipeline/plan_steps.h"
#include "stages/orientation.h"

namespace tessera::pipeline {
using namespace stages;
namespace {

// A band's rows, input or output, whichever are more: large enough that halos are a few per cent and a message is paid
// by milliseconds of work, small enough that rings and scratch stay a few megabytes.
constexpr std::uint64_t kBandBytes = 4 << 20;
constexpr std::int32_t kMaxBandRows = 512;
// A ring this small is taken whatever part of the image it is.
constexpr std::uint64_t kSmallRing = 16 << 20;

std::uint64_t pixels_of(const ImageInfo& info) {
  return static_cast<std::uint64_t>(info.width) * static_cast<std::uint64_t>(info.height);
}

std::uint64_t row_bytes(const ImageInfo& info) {
  std::uint64_t bytes = 0;
  for (int p = 0; p < info.format.planes(); ++p) {
    const Grid& g = info.grid[static_cast<std::size_t>(p)];
    bytes += (static_cast<std::uint64_t>(info.width) * static_cast<std::uint64_t>(info.format.pixel_bytes())) >>
             (g.log2_x + g.log2_y);
  }
  return std::max<std::uint64_t>(bytes, 1);
}

std::int32_t band_rows_for(const ImageInfo& in, const ImageInfo& out, const PlanOptions& options) {
  if (options.band_rows > 0) return options.band_rows;
  const std::uint64_t in_per_out =
      row_bytes(in) * static_cast<std::uint64_t>(in.height) / static_cast<std::uint64_t>(out.height);
  const auto rows = static_cast<std::int64_t>(kBandBytes / std::max(row_bytes(out), in_per_out + 1));
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(rows / 16 * 16, 16, kMaxBandRows));
}

// Where the next step would be appended: after `steps` on a frame, or on the decoder's rows.
struct Cursor {
  std::int32_t from = kDecoder;
  ImageInfo input;  // what steps start from
  ImageInfo info;   // what they end in
  std::vector<Step> steps;
  int orientation = 1;         // that a turn to upright still waits for
  std::optional<Grid> chroma;  // where planes are kept: what the output's chroma shall come to
  bool on_decoded = true;      // starts from the decoded image, through a ring or (spread) its frame
  std::vector<std::shared_ptr<const Operation>> bound;  // `steps`, but those that wait for a statistic
  std::vector<std::uint32_t> bound_stages;              // [bound]
};

class Planner {
 public:
  Planner(const Recipe& recipe, const Header& header, std::span<const Codec* const> product_codecs,
          const PlanOptions& options, Route route, std::span<const ImageInfo> resolved, bool assume)
      : recipe_(recipe),
        header_(header),
        product_codecs_(product_codecs),
        options_(options),
        route_(route),
        resolved_(resolved),
        assume_(assume) {}

  ImagePlan run() {
    plan_.route = route_;
    DecodeChoice choice = choose_decode(recipe_, header_, product_codecs_);
    plan_.decode = choice.request;
    plan_.reasons = std::move(choice.reasons);
    plan_.decode_traits = codecs()[header_.codec]->decode_traits(header_, plan_.decode);
    Cursor trunk;
    trunk.input = trunk.info = plan_.decode_traits.info;
    trunk.orientation = header_.orientation;
    trunk.chroma = finest_chroma();
    if (route_ == Route::spread) {
      add_pass(trunk, {.into_frame = true});
      plan_.reasons.push_back("spread: decoded into a frame, bands dealt to all slots");
    }
    std::uint32_t number = 0;
    for (const StageSpec& spec : recipe_.common)
      if (!append_stage(trunk, spec, ++number)) return finish();
    if (recipe_.outputs.size() > 1) {
      materialise(trunk);
      plan_.reasons.push_back(fmt::format("{} outputs share one frame", recipe_.outputs.size()));
    }
    for (std::size_t i = 0; i < recipe_.outputs.size(); ++i) {
      Cursor branch = trunk;
      branch.chroma = chroma_of(recipe_, product_codecs_, i);
      for (const StageSpec& spec : recipe_.outputs[i].stages)
        if (!append_stage(branch, spec, ++number)) return finish();
      turn_upright(branch);
      const PixelFormat storable = product_codecs_[i]->storable(branch.info.format);
      if (storable != branch.info.format) append(branch, conversion(storable, recipe_.outputs[i].background));
      settle_chroma(branch);
      add_pass(branch, {.product = static_cast<std::int32_t>(i)});
    }
    return finish();
  }

 private:
  struct Target {
    bool into_frame = false;
    std::int32_t product = -1, measures = -1;
  };

  // What the frame that all outputs share keeps: the finest of what they ask for.
  std::optional<Grid> finest_chroma() const {
    std::optional<Grid> finest;
    for (std::size_t i = 0; i < recipe_.outputs.size(); ++i)
      if (const auto grid = chroma_of(recipe_, product_codecs_, i))
        finest = finest ? Grid{std::min(finest->log2_x, grid->log2_x), std::min(finest->log2_y, grid->log2_y)} : grid;
    return finest;
  }

  void turn_upright(Cursor& cursor) {
    if (orientation_turn(cursor.orientation) == Turn{}) return;
    Step turn{.kind = Step::Kind::orient, .name = fmt::format("orient {}", cursor.orientation)};
    turn.orientation = std::exchange(cursor.orientation, 1);
    append(cursor, std::move(turn));
  }

  // The encoder takes planes on its own chroma grid: resampled once more if no resize has put them there.
  void settle_chroma(Cursor& cursor) {
    if (cursor.info.format.model != Model::ycbcr_planar || cursor.info.grid[1] == cursor.chroma) return;
    Step step{.kind = Step::Kind::chroma, .name = "chroma to the output's grid"};
    step.chroma = cursor.chroma;
    append(cursor, std::move(step));
  }

  static Step conversion(PixelFormat to, std::string background) {
    Step step{.kind = Step::Kind::convert, .name = "convert to " + to_string(to)};
    step.to = to;
    step.background = std::move(background);
    return step;
  }

  // False: the stage's output size is not known yet; the plan ends here.
  bool append_stage(Cursor& cursor, const StageSpec& spec, std::uint32_t number) {
    const Stage& stage = *spec.stage;
    ImageInfo upright = oriented_info(cursor.info, cursor.orientation);
    // What makes the image larger is better done on the turned one.
    if (!stage.goes_before_turns() || pixels_of(stage.output(upright).value()) > pixels_of(upright))
      turn_upright(cursor);
    const PixelFormat working = stage.working_format(cursor.info.format);
    if (working != cursor.info.format) append(cursor, conversion(working, "#ffffff"));
    assert(stage.exactness(working) == Exactness::any_tiling);  // a chain cuts its bands as the cache likes it
    Step step{.kind = Step::Kind::stage, .stage = &stage, .name = spec.op, .number = number};
    step.orientation = cursor.orientation;
    step.chroma = cursor.chroma;
    const auto reduction = stage.reduction(cursor.info);
    if (reduction) {
      step.statistic = static_cast<std::int32_t>(plan_.statistics.size());
      plan_.statistics.push_back({&stage, spec.op, cursor.info, reduction->bytes()});
      materialise(cursor, step.statistic);
      plan_.reasons.push_back(fmt::format("{} needs a statistic of the whole image first", spec.op));
    }
    upright = oriented_info(cursor.info, cursor.orientation);
    std::optional<ImageInfo> output = stage.output(upright);
    if (output && pixels_of(*output) > kMaxOutputPixels)
      throw ImageError(fmt::format("{} would make {}x{} pixels of it, more than {} megapixels", spec.op, output->width,
                                   output->height, kMaxOutputPixels / 1'000'000));
    if (!output) sealed_ = plan_.passes.size();
    if (!output && unknown_ < resolved_.size()) {
      output = resolved_[unknown_++];
    } else if (!output) {
      plan_.complete = false;
      if (!assume_) {
        plan_.reasons.push_back(fmt::format("the size after {} is known once it is measured", spec.op));
        return false;
      }
      output = cursor.info;
    }
    append(cursor, std::move(step), output);
    return true;
  }

  void append(Cursor& cursor, Step step, std::optional<ImageInfo> output = {}) {
    if (step.statistic >= 0) {
      cursor.info = output.value();
      cursor.steps.push_back(std::move(step));
      return;
    }
    std::vector<std::shared_ptr<const Operation>> longer = cursor.bound;
    for (auto& operation : bind_step(step, cursor.info, {})) longer.emplace_back(std::move(operation));
    const ImageInfo out = longer.size() > cursor.bound.size() ? longer.back()->output() : cursor.info;
    if (cursor.on_decoded && ring_rows(cursor.input, out, longer) == 0) {
      materialise(cursor);
      plan_.reasons.push_back(
          fmt::format("{} needs more of the image than a few rows at a time: a frame before it", step.name));
      return append(cursor, std::move(step), output);
    }
    cursor.bound = std::move(longer);
    cursor.bound_stages.resize(cursor.bound.size(), step.number);
    cursor.info = out;
    cursor.steps.push_back(std::move(step));
  }

  // Rows of the decoded image that a band of `out` needs at most; 0 if they do not ascend or are too many for a ring.
  std::int32_t ring_rows(const ImageInfo& in, const ImageInfo& out,
                         const std::vector<std::shared_ptr<const Operation>>& operations) const {
    const std::int32_t rows = band_rows_for(in, out, options_);
    std::int32_t most = 0, last = 0;
    for (std::int32_t y = 0; y < out.height; y += rows) {
      Region region{0, y, out.width, std::min(y + rows, out.height)};
      for (auto i = operations.size(); i-- > 0;) region = operations[i]->required_input(region);
      if (region.y0 < last) return 0;
      last = region.y0;
      most = std::max(most, region.height());
    }
    const bool fits = most <= in.height / 2 || row_bytes(in) * static_cast<std::uint64_t>(most) <= kSmallRing;
    return fits ? most : 0;
  }

  // Ends the cursor's steps in a frame and goes on from it; measures the frame on the way if asked.
  void materialise(Cursor& cursor, std::int32_t measures = -1) {
    if (cursor.from != kDecoder && cursor.steps.empty()) {
      // Already a frame. Measure it where it is made if nobody measures there yet, else in a pass of its own.
      if (measures < 0) return leave_decoder(cursor);
      const auto maker = std::ranges::find(plan_.passes, cursor.from, &Pass::into_frame);
      const bool ran = static_cast<std::size_t>(maker - plan_.passes.begin()) < sealed_;
      const bool decoding = maker->from_frame == kDecoder && route_ == Route::spread;  // one slot; measuring needs all
      if (maker->measures < 0 && !decoding && !ran) {
        maker->measures = measures;
        return leave_decoder(cursor);
      }
      add_pass(cursor, {.measures = measures});
      return leave_decoder(cursor);
    }
    add_pass(cursor, {.into_frame = true, .measures = measures});
    leave_decoder(cursor);
  }
  static void leave_decoder(Cursor& cursor) { cursor.on_decoded = false; }

  void add_pass(Cursor& cursor, Target target) {
    Pass pass;
    pass.from_frame = cursor.from;
    pass.steps = std::move(cursor.steps);
    pass.input = cursor.input;
    pass.output = cursor.info;
    pass.product = target.product;
    pass.measures = target.measures;
    pass.band_rows = band_rows_for(pass.input, pass.output, options_);
    // Rows of the decoder that go straight into a frame or a product come in multiples of its own bands.
    const std::int32_t multiple = plan_.decode_traits.band_multiple;
    if (pass.from_frame == kDecoder && pass.steps.empty())
      pass.band_rows = (pass.band_rows + multiple - 1) / multiple * multiple;
    if (pass.from_frame == kDecoder)
      pass.ring_rows = pass.steps.empty() ? pass.band_rows : ring_rows(pass.input, pass.output, cursor.bound);
    const bool waits = std::ranges::any_of(pass.steps, [](const Step& step) { return step.statistic >= 0; });
    if (!waits) pass.bound = cursor.bound, pass.bound_stages = cursor.bound_stages;
    if (target.into_frame) {
      pass.into_frame = static_cast<std::int32_t>(plan_.frames.size());
      plan_.frames.push_back(pass.output);
      cursor.from = pass.into_frame;
      cursor.input = cursor.info;
    }
    cursor.bound.clear();
    cursor.bound_stages.clear();
    cursor.steps.clear();
    plan_.passes.push_back(std::move(pass));
  }

  ImagePlan finish() {
    estimate_memory(plan_, recipe_, header_, product_codecs_, sealed_);
    return std::move(plan_);
  }

  const Recipe& recipe_;
  const Header& header_;
  std::span<const Codec* const> product_codecs_;
  const PlanOptions& options_;
  Route route_;
  std::span<const ImageInfo> resolved_;
  bool assume_;
  std::size_t unknown_ = 0;
  std::size_t sealed_ = 0;  // passes before it have run by the time the plan is made again
  ImagePlan plan_;
};

}  // namespace

Region Pass::band(std::int32_t i) const {
  return {0, i * band_rows, output.width, std::min((i + 1) * band_rows, output.height)};
}

ImagePlan make_plan(const Recipe& recipe, const Header& header, std::span<const Codec* const> product_codecs,
                    const PlanOptions& options, Route route, std::span<const ImageInfo> resolved, bool assume) {
  return Planner(recipe, header, product_codecs, options, route, resolved, assume).run();
}

}  // namespace tessera::pipeline
