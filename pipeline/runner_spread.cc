// The jobs of an image that is spread over all slots: decode into a frame, compute bands, merge statistics, encode from
// pieces. Each makes the same plan from the header and the sizes resolved so far, so they agree without talking.
#include <fmt/format.h>

#include <algorithm>

#include "pipeline/metadata_block.h"
#include "pipeline/runner_parts.h"
#include "stages/frame_layout.h"
#include "workers/fault_point.h"

namespace tessera::pipeline {
using namespace stages;
namespace {

ImagePlan spread_plan(JobCall& call, std::span<const ImageInfo> resolved) {
  call.step(JobStep::plan);
  if (!plausible(call.payload.header)) throw std::runtime_error("a job with an impossible header");
  return make_plan(*call.state.recipe, call.payload.header, product_codecs(call), call.state.options, Route::spread,
                   resolved);
}

Table read_table(JobCall& call) {
  const auto& job = call.context.job();
  return table_from(call.context.read(job.blocks.at(job.block_count - 1)));
}

const Pass& pass_of(const ImagePlan& plan, std::uint32_t index) {
  if (index >= plan.passes.size()) throw std::runtime_error("a job for a pass that its plan does not have");
  return plan.passes[index];
}

std::vector<View> piece_views(JobCall& call, const Table& table, const ImageInfo& info) {
  std::vector<View> views;
  std::int32_t next = 0;
  for (const Table::Piece& piece : table.pieces) {
    const Region region{0, piece.y0, info.width, piece.y1};
    const ReadBytes bytes = call.context.read(piece.block);
    if (piece.y0 != next || region.empty() || piece.y1 > info.height || bytes.size() < frame_layout(info, region).bytes)
      throw std::runtime_error("a job's table does not cover its frame");
    views.push_back(view_in(bytes, info, region));
    next = piece.y1;
  }
  if (next != info.height) throw std::runtime_error("a job's table does not cover its frame");
  return views;
}

WriteBytes own_block(JobCall& call, std::size_t index, std::uint64_t bytes) {
  const WriteBytes block = call.context.write(call.block(index));
  if (block.size() < bytes) throw std::runtime_error("a job's block is too small");
  return block;
}

}  // namespace

void run_decode(JobCall& call) {
  const ImagePlan plan = spread_plan(call, {});
  FdSource source(call.context.fd(0));
  CompletionPayload result{};
  result.header = checked_probe(call, source);
  // The header is the one that the memory was admitted for: the file may have been replaced since.
  if (result.header.full != call.payload.header.full) throw InputChanged("it changed while it was read");
  const ImageInfo& info = plan.decode_traits.info;
  const std::uint64_t frame_bytes = frame_layout(info, info.bounds()).bytes;
  const MutableView frame = view_in(own_block(call, 0, frame_bytes), info, info.bounds());
  call.step(JobStep::decode);
  const auto decoder = codecs()[result.header.codec]->decode(source, plan.decode);
  write_metadata(decoder->metadata(), own_block(call, 1, metadata_block_bytes(call.payload.header)));
  const Pass& pass = plan.passes.front();
  for (std::int32_t b = 0; b < pass.bands(); ++b) {
    if (call.context.cancelled()) throw Cancelled();
    decoder->read(sub_view(info, frame, pass.band(b)));
  }
  decoder->finish();
  result.source_hash = source.hash_all();
  source.check_unchanged();
  workers::fault_point("worker.decoded");
  put_payload(result, call.completion.payload);
}

void run_band(JobCall& call) {
  const Table table = read_table(call);
  const ImagePlan plan = spread_plan(call, table.resolved);
  const Pass& pass = pass_of(plan, call.payload.pass);
  if (call.payload.band >= static_cast<std::uint32_t>(pass.bands()))
    throw std::runtime_error("a job for a band outside its pass");
  const Region region = pass.band(static_cast<std::int32_t>(call.payload.band));
  std::vector<ReadBytes> statistics;
  for (const workers::Block& block : table.statistics)
    statistics.push_back(block.empty() ? ReadBytes() : call.context.read(block));
  const Chain chain = bind_pass(pass, statistics);
  PieceSource source(pass.input, piece_views(call, table, pass.input));
  Scratch& scratch = call.memory.scratch;
  const Scratch::Mark mark(scratch);
  const std::uint64_t bytes = frame_layout(pass.output, region).bytes;
  const bool only_measured = pass.into_frame < 0 && pass.product < 0;
  const MutableView band = only_measured ? scratch.take_view(pass.output, region)
                                         : view_in(own_block(call, 0, bytes).first(bytes), pass.output, region);
  call.step(JobStep::stages);
  chain.render(source, band, scratch, call.note_stages());
  if (pass.measures >= 0) {
    call.step(JobStep::measure);
    const Statistic& statistic = plan.statistics[static_cast<std::size_t>(pass.measures)];
    const WriteBytes sum = own_block(call, 1, statistic.bytes).first(statistic.bytes);
    std::ranges::fill(sum, std::byte{0});
    statistic.stage->reduction(statistic.measured)->measure(band, sum);
  }
  put_payload(CompletionPayload{}, call.completion.payload);
}

void run_resolve(JobCall& call) {
  const Table table = read_table(call);
  const ImagePlan plan = spread_plan(call, table.resolved);
  if (call.payload.statistic >= plan.statistics.size())
    throw std::runtime_error("a job for a statistic outside its plan");
  const Statistic& statistic = plan.statistics[call.payload.statistic];
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
  const ImagePlan plan = spread_plan(call, table.resolved);
  const Pass& pass = pass_of(plan, call.payload.pass);
  if (pass.product < 0) throw std::runtime_error("an encode job for a pass without a product");
  const auto output = static_cast<std::size_t>(pass.product);
  const workers::Block& metadata_block = call.block(0);
  const Metadata metadata = metadata_block.empty() ? Metadata() : read_metadata(call.context.read(metadata_block));
  call.step(JobStep::encode);
  ProductWriter writer(call.state.recipe->outputs[output], *product_codecs(call)[output], pass.output, metadata,
                       call.context.fd(0), call.payload.sync != 0);
  for (const View& piece : piece_views(call, table, pass.output)) {
    if (call.context.cancelled()) throw Cancelled();
    writer.write(piece);
  }
  CompletionPayload result{};
  result.products = 1;
  result.product[0] = writer.finish(call);
  put_payload(result, call.completion.payload);
}

}  // namespace tessera::pipeline
