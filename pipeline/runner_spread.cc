// The jobs of an image that is spread over all slots: decode its parts, compute bands, merge statistics, encode bands.
// Each makes the same plan from the header and the sizes resolved so far, so they agree without talking.
#include <fmt/format.h>

#include <algorithm>

#include "pipeline/metadata_block.h"
#include "pipeline/runner_parts.h"
#include "pipeline/spread_grid.h"
#include "stages/frame_layout.h"
#include "workers/fault_point.h"

namespace tessera::pipeline {
using namespace stages;
namespace {

using Plan = std::shared_ptr<const ImagePlan>;

Plan spread_plan(JobCall& call, std::span<const ImageInfo> resolved) {
  call.step(JobStep::plan);
  const KeptWork::PlanKey key{call.payload.image, call.payload.epoch, resolved.size()};
  if (Plan kept = call.state.kept.plan(key)) return kept;
  if (!plausible(call.payload.header)) throw std::runtime_error("a job with an impossible header");
  const auto plan = std::make_shared<const ImagePlan>(make_plan(
      *call.state.recipe, call.payload.header, product_codecs(call), call.state.options, Route::spread, resolved));
  call.state.kept.set_plan(key, plan);
  return plan;
}

Table read_table(JobCall& call) {
  const auto& job = call.context.job();
  return table_from(call.context.read(job.blocks.at(job.block_count - 1)));
}

const Pass& pass_of(const ImagePlan& plan, std::uint32_t index) {
  if (index >= plan.passes.size()) throw std::runtime_error("a job for a pass that its plan does not have");
  return plan.passes[index];
}

// The pieces that the table lists: without gaps, and at least of `rows`.
std::vector<View> piece_views(JobCall& call, const Table& table, const ImageInfo& info, Rows rows) {
  std::vector<View> views;
  for (const Table::Piece& piece : table.pieces) {
    const Region region{0, piece.y0, info.width, piece.y1};
    const ReadBytes bytes = call.context.read(piece.block);
    const bool follows = views.empty() ? piece.y0 >= 0 && piece.y0 <= rows.y0 : piece.y0 == views.back().region.y1;
    if (!follows || region.empty() || piece.y1 > info.height || bytes.size() < frame_layout(info, region).bytes)
      throw std::runtime_error("a job's table does not cover its rows");
    views.push_back(view_in(bytes, info, region));
  }
  if (views.empty() || views.back().region.y1 < rows.y1)
    throw std::runtime_error("a job's table does not cover its rows");
  return views;
}

WriteBytes own_block(JobCall& call, std::size_t index, std::uint64_t bytes) {
  const WriteBytes block = call.context.write(call.block(index));
  if (block.size() < bytes) throw std::runtime_error("a job's block is too small");
  return block;
}

struct KeptDecoder final : Kept {
  explicit KeptDecoder(int fd) : source(fd) {}
  FdSource source;
  Header header;
  std::unique_ptr<Decoder> decoder;
};

/// Pixels, turns and memory of a file are what they were when it was planned.
bool same_work(const Header& a, const Header& b) {
  return a.full == b.full && a.codec == b.codec && a.orientation == b.orientation && a.planar == b.planar &&
         a.chroma_log2 == b.chroma_log2 && a.max_scale_log2 == b.max_scale_log2 && a.progressive == b.progressive &&
         a.metadata_bytes == b.metadata_bytes && a.block_rows == b.block_rows && a.decoder_bytes == b.decoder_bytes;
}

std::unique_ptr<KeptDecoder> open_decoder(JobCall& call, const ImagePlan& plan) {
  auto opened = std::make_unique<KeptDecoder>(call.context.fd(0));
  opened->header = checked_probe(call, opened->source);
  // The header is the one that the memory was admitted for: the file may have been replaced since.
  if (!same_work(opened->header, call.payload.header)) throw InputChanged("it changed while it was read");
  call.step(JobStep::decode);
  opened->decoder = codecs()[opened->header.codec]->decode(opened->source, plan.decode);
  return opened;
}

struct KeptEncoder final : Kept {
  template <class... Arguments>
  explicit KeptEncoder(Arguments&&... arguments) : writer(std::forward<Arguments>(arguments)...) {}
  ProductWriter writer;
};

KeptWork::Key key_of(const JobCall& call, std::int32_t product = KeptWork::kDecoder) {
  return {call.payload.image, call.payload.epoch, product};
}

}  // namespace

void run_decode(JobCall& call) {
  const Plan plan = spread_plan(call, {});
  const PartGrid grid = part_grid(*plan);
  const auto index = static_cast<std::int32_t>(call.payload.band);
  if (index < 0 || index > grid.last) throw std::runtime_error("a job for a part outside its grid");
  const Region part = grid.part(index);
  const MutableView rows = view_in(own_block(call, 0, grid.bytes(index)), grid.info, part);
  // In any order, each with a decoder of its own; or in order, with one that is kept from part to part.
  const bool any_order = plan->decode_traits.access == Access::regions;
  std::unique_ptr<Kept> kept;
  if (any_order || index == 0)
    kept = open_decoder(call, *plan);
  else
    kept = call.state.kept.take(key_of(call));
  auto& open = static_cast<KeptDecoder&>(*kept);
  open.source.go_on(call.context.fd(0));
  if (!call.block(1).empty())
    write_metadata(open.decoder->metadata(), own_block(call, 1, metadata_block_bytes(call.payload.header)));
  call.step(JobStep::decode);
  const Pass& pass = plan->passes.front();
  const std::int32_t step = std::min(pass.band_rows, grid.rows);  // a look at whether it is cancelled now and then
  for (std::int32_t y = part.y0; y < part.y1; y += step) {
    if (call.context.cancelled()) throw Cancelled();
    open.decoder->read(sub_view(grid.info, rows, {0, y, part.x1, std::min(y + step, part.y1)}));
  }
  if (index == grid.last) {
    open.decoder->finish();
    workers::fault_point("worker.decoded");
  }
  open.source.check_unchanged();
  CompletionPayload result{};
  result.source_state = open.source.state();
  if (!any_order && index < grid.last) call.state.kept.keep(key_of(call), std::move(kept));
  put_payload(result, call.completion.payload);
}

void run_band(JobCall& call) {
  const Table table = read_table(call);
  const Plan plan = spread_plan(call, table.resolved);
  const Pass& pass = pass_of(*plan, call.payload.pass);
  if (call.payload.band >= static_cast<std::uint32_t>(pass.bands()))
    throw std::runtime_error("a job for a band outside its pass");
  const Region region = pass.band(static_cast<std::int32_t>(call.payload.band));
  std::vector<ReadBytes> statistics;
  for (const workers::Block& block : table.statistics)
    statistics.push_back(block.empty() ? ReadBytes() : call.context.read(block));
  const Chain chain = bind_pass(pass, statistics);
  const Region need = chain.required_input(region);
  PieceSource source(pass.input, piece_views(call, table, pass.input, {need.y0, need.y1}));
  Scratch& scratch = call.memory.scratch;
  const Scratch::Mark mark(scratch);
  const std::uint64_t bytes = frame_layout(pass.output, region).bytes;
  const bool only_measured = pass.into_frame < 0 && pass.product < 0;
  const MutableView band = only_measured ? scratch.take_view(pass.output, region)
                                         : view_in(own_block(call, 0, bytes).first(bytes), pass.output, region);
  call.step(JobStep::stages);
  obey_injection(call, pass, region);
  chain.render(source, band, scratch, call.note_stages());
  if (pass.measures >= 0) {
    call.step(JobStep::measure);
    const Statistic& statistic = plan->statistics[static_cast<std::size_t>(pass.measures)];
    const WriteBytes sum = own_block(call, 1, statistic.bytes).first(statistic.bytes);
    std::ranges::fill(sum, std::byte{0});
    statistic.stage->reduction(statistic.measured)->measure(band, sum);
  }
  put_payload(CompletionPayload{}, call.completion.payload);
}

void run_resolve(JobCall& call) {
  const Table table = read_table(call);
  const Plan plan = spread_plan(call, table.resolved);
  if (call.payload.statistic >= plan->statistics.size())
    throw std::runtime_error("a job for a statistic outside its plan");
  const Statistic& statistic = plan->statistics[call.payload.statistic];
  const auto reduction = statistic.stage->reduction(statistic.measured);
  const WriteBytes sum = own_block(call, 0, statistic.bytes).first(statistic.bytes);
  std::ranges::fill(sum, std::byte{0});
  call.step(JobStep::measure);
  for (const workers::Block& part : table.statistics) {
    const ReadBytes bytes = call.context.read(part);
    if (bytes.size() < statistic.bytes) throw std::runtime_error("a statistic's part is too small");
    reduction->merge(bytes.first(statistic.bytes), sum);
  }
  CompletionPayload result{};
  result.resolved = statistic.stage->bind(statistic.measured, {sum})->output();
  put_payload(result, call.completion.payload);
}

void run_encode(JobCall& call) {
  const Table table = read_table(call);
  const Plan plan = spread_plan(call, table.resolved);
  const Pass& pass = pass_of(*plan, call.payload.pass);
  if (pass.product < 0) throw std::runtime_error("an encode job for a pass without a product");
  const std::uint32_t first = call.payload.band, end = call.payload.band_end;
  if (first >= end || end > static_cast<std::uint32_t>(pass.bands()))
    throw std::runtime_error("an encode job for bands outside its pass");
  const Rows rows{pass.band(static_cast<std::int32_t>(first)).y0, pass.band(static_cast<std::int32_t>(end) - 1).y1};
  std::unique_ptr<Kept> kept;
  call.step(JobStep::encode);
  if (first == 0) {
    const auto output = static_cast<std::size_t>(pass.product);
    kept = std::make_unique<KeptEncoder>(call.state.recipe->outputs[output], *product_codecs(call)[output], pass.output,
                                         read_metadata(call.context.read(call.block(0))), call.context.fd(0),
                                         call.payload.sync != 0);
  } else {
    kept = call.state.kept.take(key_of(call, pass.product));
  }
  ProductWriter& writer = static_cast<KeptEncoder&>(*kept).writer;
  writer.go_on(call.context.fd(0));
  for (const View& piece : piece_views(call, table, pass.output, rows)) {
    if (call.context.cancelled()) throw Cancelled();
    writer.write(piece);
  }
  CompletionPayload result{};
  if (end == static_cast<std::uint32_t>(pass.bands())) {
    result.products = 1;
    result.product[0] = writer.finish(call);
  } else {
    call.state.kept.keep(key_of(call, pass.product), std::move(kept));
  }
  put_payload(result, call.completion.payload);
}

void run_drop(JobCall& call) {
  call.state.kept.drop_image(call.payload.image);
  put_payload(CompletionPayload{}, call.completion.payload);
}

}  // namespace tessera::pipeline
