// ImageTask's spread route, from bands to products. Passes run in order, so that the memory the plan estimated is the
// memory they take; only the encoding of one product overlaps the bands of the next pass. What is wanted first:
//   1. the encoder's next bands, for encoding is one after the other, and frees them
//   2. decoding, unless bands for every slot are ready: it is one after the other as well, and what bands wait for
//   3. bands, in order
// A wish that has to run in one worker names it. While that worker is busy the coordinator passes on to the next wish,
// so no slot waits for another.
//
// Memory. A windowed plan may be admitted with little more than the rows of one band. What it leases must always let
// the oldest band come to its end, whatever has run ahead:
//   - parts are decoded in order and a part goes when the oldest band that is not rendered needs none of its rows
//   - whoever runs ahead (a part, a band) leaves so much of the budget (spare_bytes) that after it the encoder can
//     begin and, for a part, the oldest band can be rendered: of rows that the oldest band needs, no part is missing then but
//     for ones that the admitted memory holds, and rendered bands always leave through the encoder, which takes nothing
// Other plans hold the whole frame, which is admitted from the beginning.
#include <algorithm>
#include <cassert>

#include "pipeline/image_task.h"
#include "pipeline/metadata_block.h"
#include "stages/frame_layout.h"

namespace tessera::pipeline {
using namespace stages;
using workers::Completion;

namespace {
// Of one encode job: long enough for a message to cost nothing, short enough to give blocks back soon.
constexpr std::uint64_t kEncodeBytes = 16 << 20;

std::uint64_t bytes_of(const ImageInfo& info, const Region& region) { return frame_layout(info, region).bytes; }
}  // namespace

void ImageTask::plan_spread() {
  resolved_.clear();
  statistics_.clear();
  passes_.clear();
  parts_.clear();
  metadata_.reset();
  source_state_ = 0;
  decoding_ = hash_started_ = hash_done_ = false;
  plan_ = make_plan(*recipe_, result_.header, codecs_, options_, Route::spread, resolved_);
  grid_ = part_grid(plan_);
  parts_.resize(static_cast<std::size_t>(grid_.count));
  adopt_plan();
}

// The plan is new, or known further than before: room for what its passes make.
void ImageTask::adopt_plan() {
  passes_.resize(plan_.passes.size());
  statistics_.resize(plan_.statistics.size());
  for (std::size_t p = 1; p < passes_.size(); ++p) {
    PassState& state = passes_[p];
    const auto bands = static_cast<std::size_t>(plan_.passes[p].bands());
    if (state.done || state.needs.size() == bands) continue;
    state.needs = band_needs(plan_.passes[p]);
    state.bands.resize(bands);
    state.parts.resize(bands);
    state.rendered.resize(bands);
  }
}

// What a band of `pass` reads: the pieces of its source that hold `rows`.
Table ImageTask::table_for(const Pass& pass, Rows rows) const {
  Table table;
  table.resolved = resolved_;
  for (const workers::Lease& lease : statistics_) table.statistics.push_back(lease.block());
  if (pass.from_frame == 0) {
    for (std::int32_t i = grid_.holding(rows.y0); i <= grid_.holding(rows.y1 - 1); ++i) {
      const Region part = grid_.part(i);
      table.pieces.push_back({parts_[static_cast<std::size_t>(i)].lease.block(), part.y0, part.y1});
    }
    return table;
  }
  const auto maker = std::ranges::find(plan_.passes, pass.from_frame, &Pass::into_frame);
  const auto& bands = passes_[static_cast<std::size_t>(maker - plan_.passes.begin())].bands;
  for (std::size_t b = 0; b < bands.size(); ++b) {
    const Region region = maker->band(static_cast<std::int32_t>(b));
    if (region.y1 > rows.y0 && region.y0 < rows.y1) table.pieces.push_back({bands[b].block(), region.y0, region.y1});
  }
  return table;
}

// Bands of `pass` may start: everything before is rendered, and all but the last product before is encoded.
bool ImageTask::may_start(std::size_t pass) const {
  for (std::size_t p = 1; p < pass; ++p) {
    const PassState& before = passes_[p];
    if (before.done) continue;
    const bool rendered = before.bands_done == plan_.passes[p].bands();
    if (!rendered || p + 1 < pass || plan_.passes[p].measures >= 0) return false;
  }
  return true;
}

// With the metadata as the job reads it, as the encoder holds it and as it is written. Never 0: the lease for it stands
// for the encoder.
std::uint64_t ImageTask::encoder_bytes(const Pass& pass) const {
  const auto output = static_cast<std::size_t>(pass.product);
  const Values settings = settings_for(recipe_->outputs[output], *codecs_[output]);
  const std::uint64_t encoder = codecs_[output]->encode_traits(pass.output, settings).private_bytes;
  return std::max<std::uint64_t>(encoder + 3 * std::uint64_t{result_.header.metadata_bytes}, 1);
}

void ImageTask::add_spread_wishes() {
  const bool old_jobs = std::ranges::any_of(running_, [&](const auto& r) { return r.second.epoch != epoch_; });
  if (old_jobs) return;  // they may still read or write what was given up
  std::size_t current = 1;
  for (; current < plan_.passes.size(); ++current) {
    const PassState& state = passes_[current];
    if (state.done) continue;
    const Pass& pass = plan_.passes[current];
    if (pass.product >= 0) add_encode_wish(current);
    if (state.bands_done == pass.bands() && pass.measures >= 0 && !state.resolve_started)
      wishes_.push_back(resolve_work(current));
    if (state.next_band < pass.bands()) break;
  }
  const bool bands_left = current < plan_.passes.size() && may_start(current);
  const bool enough = bands_left && bands_ready(current) >= 2 * settings_.slots;
  if (!enough) add_decode_wishes();
  if (passes_[0].done) add_hash_wish();
  if (bands_left) add_band_wish(current);
  if (enough) add_decode_wishes();
}

Work ImageTask::resolve_work(std::size_t p) const {
  const Pass& pass = plan_.passes[p];
  Work work = base_work(JobKind::resolve);
  work.payload.pass = static_cast<std::uint32_t>(p);
  work.payload.statistic = static_cast<std::uint32_t>(pass.measures);
  work.own_blocks = {plan_.statistics[static_cast<std::size_t>(pass.measures)].bytes};
  work.limits = limits_of(pixels_of(pass), 1);
  Table table;
  table.resolved = resolved_;
  for (const workers::Lease& part : passes_[p].parts) table.statistics.push_back(part.block());
  work.table = to_bytes(table);
  return work;
}

// The bands behind those that are encoded, as far as they are rendered without a gap. One encoder at a time.
void ImageTask::add_encode_wish(std::size_t p) {
  const Pass& pass = plan_.passes[p];
  PassState& state = passes_[p];
  if (state.encoding || !metadata_) return;
  for (std::size_t before = 1; before < p; ++before)
    if (plan_.passes[before].product >= 0 && !passes_[before].done) return;
  std::int32_t end = state.encoded;
  std::uint64_t bytes = 0;
  for (; end < pass.bands() && state.rendered[static_cast<std::size_t>(end)] && bytes < kEncodeBytes; ++end)
    bytes += bytes_of(pass.output, pass.band(end));
  if (end == state.encoded) return;
  Work work = base_work(JobKind::encode);
  work.payload.pass = static_cast<std::uint32_t>(p);
  work.payload.band = static_cast<std::uint32_t>(state.encoded);
  work.payload.band_end = static_cast<std::uint32_t>(end);
  work.lent = {metadata_->block()};
  work.fds = {pass.product};
  work.limits = limits_of(pixels_of(pass), 1);
  if (state.encoded == 0) {
    // An encoder that ends with this job holds its memory no longer than that.
    (end == pass.bands() ? work.private_bytes : work.kept_bytes) = encoder_bytes(pass);
    if (decoder_) work.avoid_window = decoder_->window;
  } else {
    work.fresh_files = false;
    work.only_window = state.encoder->window;
  }
  Table table;
  table.resolved = resolved_;
  for (std::int32_t b = state.encoded; b < end; ++b) {
    const Region region = pass.band(b);
    table.pieces.push_back({state.bands[static_cast<std::size_t>(b)].block(), region.y0, region.y1});
  }
  work.table = to_bytes(table);
  wishes_.push_back(std::move(work));
}

// Bands that could be started now.
std::int32_t ImageTask::bands_ready(std::size_t p) const {
  std::int32_t ready = 0;
  const PassState& state = passes_[p];
  for (std::int32_t b = state.next_band; b < plan_.passes[p].bands(); ++b, ++ready)
    if (ready == 2 * settings_.slots ||
        (plan_.passes[p].from_frame == 0 && !rows_ready(state.needs[static_cast<std::size_t>(b)])))
      break;
  return ready;
}

void ImageTask::add_band_wish(std::size_t p) {
  const Pass& pass = plan_.passes[p];
  const PassState& state = passes_[p];
  const std::int32_t band = state.next_band;
  const Rows need = state.needs[static_cast<std::size_t>(band)];
  if (pass.from_frame == 0 && !rows_ready(need)) return;
  const bool only_measured = pass.into_frame < 0 && pass.product < 0;
  const std::uint64_t bytes = bytes_of(pass.output, pass.band(band));
  Work work = base_work(JobKind::band);
  if (plan_.windowed) {
    if (band - state.encoded >= 2 * settings_.slots + 2) return;  // the encoder is behind
    if (!state.encoder) work.spare_bytes = encoder_bytes(pass);
  }
  work.payload.pass = static_cast<std::uint32_t>(p);
  work.payload.band = static_cast<std::uint32_t>(band);
  work.own_blocks = {only_measured ? 0 : bytes,
                     pass.measures >= 0 ? plan_.statistics[static_cast<std::size_t>(pass.measures)].bytes : 0};
  work.private_bytes = pass.band_scratch_bytes + (only_measured ? bytes : 0);
  // A band may need rows of the whole source, and any of them may be the slow one.
  work.limits = limits_of(pixels_of(pass), steps_of(pass));
  const Table table = table_for(pass, need);
  work.table = to_bytes(table);
  // Its rows are warm where the decoder wrote them, but a decoder that is not at its end has that worker to itself.
  if (decoder_)
    work.avoid_window = decoder_->window;
  else if (pass.from_frame == 0)
    work.prefer_window = table.pieces.front().block.window;
  wishes_.push_back(std::move(work));
}

void ImageTask::on_spread(const Completion& completion, Running& job) {
  const auto payload = get_payload<CompletionPayload>(completion.payload);
  switch (job.kind) {
    case JobKind::decode:
      on_decoded(payload, job);
      break;
    case JobKind::hash:
      if (!same_input(payload)) return input_changed("it changed while it was read");
      result_.source_hash = payload.source_hash;
      hash_done_ = true;
      break;
    case JobKind::band:
      on_band(job);
      break;
    case JobKind::resolve:
      on_resolved(payload, job);
      break;
    case JobKind::encode:
      on_encoded(payload, job);
      break;
    default:
      break;
  }
  if (state_ != State::spread || job.epoch != epoch_) return;  // that was its end, or a new beginning
  plan_.windowed ? release_rows() : release_frames();
  const bool all = plan_.complete && hash_done_ && std::ranges::all_of(passes_, &PassState::done);
  if (all) end({Terminal::Kind::done, ""});
}

void ImageTask::on_band(Running& job) {
  PassState& state = passes_[job.pass];
  const Pass& pass = plan_.passes[job.pass];
  std::size_t next = 0;
  if (pass.into_frame >= 0 || pass.product >= 0) state.bands[job.band] = std::move(job.leases.at(next++));
  if (pass.measures >= 0) state.parts[job.band] = std::move(job.leases.at(next));
  state.rendered[job.band] = true;
  ++state.bands_done;
  if (state.bands_done == pass.bands() && pass.measures < 0 && pass.product < 0) state.done = true;
}

void ImageTask::on_resolved(const CompletionPayload& payload, Running& job) {
  PassState& state = passes_[job.pass];
  const auto index = static_cast<std::size_t>(plan_.passes[job.pass].measures);
  const Statistic& statistic = plan_.statistics[index];
  statistics_[index] = std::move(job.leases.at(0));
  state.parts.clear();
  state.done = true;
  if (statistic.stage->output(statistic.measured)) return;
  // What a worker says about a size is believed only if the stage cannot grow the image.
  if (!plausible(payload.resolved, statistic.measured))
    return end({Terminal::Kind::failed, "its worker answered with an impossible size"});
  resolved_.push_back(payload.resolved);
  plan_ = make_plan(*recipe_, result_.header, codecs_, options_, Route::spread, resolved_);
  adopt_plan();
}

void ImageTask::on_encoded(const CompletionPayload& payload, const Running& job) {
  PassState& state = passes_[job.pass];
  const Pass& pass = plan_.passes[job.pass];
  for (; state.encoded < static_cast<std::int32_t>(job.band_end); ++state.encoded)
    state.bands[static_cast<std::size_t>(state.encoded)] = {};
  state.encoding = false;
  if (state.encoded < pass.bands()) return;
  result_.products[static_cast<std::size_t>(pass.product)] = payload.product[0];
  state.encoder.reset();
  state.done = true;
}

bool ImageTask::holds(std::uint32_t window) const {
  const auto in_window = [&](const workers::Lease& lease) { return lease && lease.block().window == window; };
  const auto kept_there = [&](const std::optional<KeptThere>& kept) { return kept && kept->window == window; };
  if (kept_there(decoder_) || (metadata_ && in_window(*metadata_))) return true;
  if (std::ranges::any_of(dropped_, [&](const KeptThere& kept) { return kept.window == window; })) return true;
  if (std::ranges::any_of(parts_, in_window, &PartState::lease)) return true;
  if (std::ranges::any_of(statistics_, in_window)) return true;
  for (const PassState& pass : passes_)
    if (kept_there(pass.encoder) || std::ranges::any_of(pass.bands, in_window) ||
        std::ranges::any_of(pass.parts, in_window))
      return true;
  return false;
}

std::uint64_t ImageTask::kept_bytes(std::uint32_t window) const {
  std::uint64_t bytes = 0;
  const auto add = [&](const KeptThere& kept) { bytes += kept.window == window ? kept.bytes : 0; };
  if (decoder_) add(*decoder_);
  for (const PassState& pass : passes_)
    if (pass.encoder) add(*pass.encoder);
  std::ranges::for_each(dropped_, add);
  return bytes;
}

// A frame that no later pass reads gives its blocks back. While the plan is open nobody knows, and all are kept.
void ImageTask::release_frames() {
  if (!plan_.complete) return;
  for (std::size_t p = 0; p < plan_.passes.size(); ++p) {
    const std::int32_t frame = plan_.passes[p].into_frame;
    if (frame < 0 || !passes_[p].done) continue;
    bool needed = false;
    for (std::size_t q = 0; q < plan_.passes.size(); ++q)
      needed |= plan_.passes[q].from_frame == frame && passes_[q].bands_done < plan_.passes[q].bands();
    if (needed) continue;
    if (frame == 0)
      for (PartState& part : parts_) part.lease = {};
    else
      passes_[p].bands.clear();
  }
}

}  // namespace tessera::pipeline
