// ImageTask's spread route: decode, then pass by pass bands, resolve and encode. Passes run in order, so that the
// memory the plan estimated is the memory they take; only the encoding of one product overlaps the bands of the next
// pass.
#include <algorithm>
#include <cassert>

#include "pipeline/image_task.h"
#include "pipeline/metadata_block.h"
#include "stages/frame_layout.h"

namespace tessera::pipeline {
using namespace stages;
using workers::Completion;

namespace {
std::uint64_t bytes_of(const ImageInfo& info, const Region& region) { return frame_layout(info, region).bytes; }
}  // namespace

void ImageTask::plan_spread() {
  resolved_.clear();
  statistics_.clear();
  passes_.clear();
  decoded_.reset();
  metadata_.reset();
  decode_started_ = false;
  plan_ = make_plan(*recipe_, result_.header, codecs_, options_, Route::spread, resolved_);
  passes_.resize(plan_.passes.size());
  statistics_.resize(plan_.statistics.size());
}

Table ImageTask::table_for(const Pass& pass) const {
  Table table;
  table.resolved = resolved_;
  for (const workers::Lease& lease : statistics_) table.statistics.push_back(lease.block());
  if (pass.from_frame == 0) {
    table.pieces.push_back({decoded_->block(), 0, plan_.frames[0].height});
    return table;
  }
  const auto maker = std::ranges::find(plan_.passes, pass.from_frame, &Pass::into_frame);
  const auto& bands = passes_[static_cast<std::size_t>(maker - plan_.passes.begin())].bands;
  for (std::size_t b = 0; b < bands.size(); ++b) {
    const Region region = maker->band(static_cast<std::int32_t>(b));
    table.pieces.push_back({bands[b].block(), region.y0, region.y1});
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

Work ImageTask::band_work(std::size_t p) const {
  const Pass& pass = plan_.passes[p];
  const auto band = passes_[p].next_band;
  const bool only_measured = pass.into_frame < 0 && pass.product < 0;
  const std::uint64_t bytes = bytes_of(pass.output, pass.band(band));
  Work work = base_work(JobKind::band);
  work.payload.pass = static_cast<std::uint32_t>(p);
  work.payload.band = static_cast<std::uint32_t>(band);
  work.own_blocks = {only_measured ? 0 : bytes,
                     pass.measures >= 0 ? plan_.statistics[static_cast<std::size_t>(pass.measures)].bytes : 0};
  work.private_bytes = pass.band_scratch_bytes + (only_measured ? bytes : 0);
  // A band may need rows of the whole source, and any of them may be the slow one.
  work.limits = limits_of(pixels_of(pass), steps_of(pass));
  work.table = to_bytes(table_for(pass));
  // Its rows are warm where the decoder wrote them.
  work.prefer_window = pass.from_frame == 0 ? decoded_->block().window : 0;
  return work;
}

std::optional<Work> ImageTask::next_spread_work() {
  const bool old_jobs = std::ranges::any_of(running_, [&](const auto& r) { return r.second.epoch != epoch_; });
  if (old_jobs) return std::nullopt;  // they may still read or write what was given up
  if (!decode_started_) {
    Work work = base_work(JobKind::decode);
    work.own_blocks = {bytes_of(plan_.frames[0], plan_.frames[0].bounds()), metadata_block_bytes(result_.header)};
    work.private_bytes = plan_.decode_traits.private_bytes;
    work.limits = limits_of(pixels_of(result_.header.full), 1);
    work.fds = {kInputFd};
    return work;
  }
  if (!passes_[0].done) return std::nullopt;
  for (std::size_t p = 1; p < plan_.passes.size(); ++p) {
    const Pass& pass = plan_.passes[p];
    PassState& state = passes_[p];
    if (state.done) continue;
    const bool rendered = state.bands_done == pass.bands();
    if (rendered && pass.measures >= 0 && !state.resolve_started) {
      Work work = base_work(JobKind::resolve);
      work.payload.pass = static_cast<std::uint32_t>(p);
      work.payload.statistic = static_cast<std::uint32_t>(pass.measures);
      work.own_blocks = {plan_.statistics[static_cast<std::size_t>(pass.measures)].bytes};
      work.limits = limits_of(pixels_of(pass), 1);
      Table table;
      table.resolved = resolved_;
      for (const workers::Lease& part : state.parts) table.statistics.push_back(part.block());
      work.table = to_bytes(table);
      return work;
    }
    if (rendered && pass.product >= 0 && !state.encode_started) {
      Work work = base_work(JobKind::encode);
      work.payload.pass = static_cast<std::uint32_t>(p);
      work.payload.product = static_cast<std::uint8_t>(pass.product);
      work.lent = {metadata_->block()};
      work.fds = {pass.product};
      work.limits = limits_of(pixels_of(pass), 1);
      const auto output = static_cast<std::size_t>(pass.product);
      work.private_bytes = codecs_[output]
                               ->encode_traits(pass.output, settings_for(recipe_->outputs[output], *codecs_[output]))
                               .private_bytes;
      Table table;
      table.resolved = resolved_;
      for (std::size_t b = 0; b < state.bands.size(); ++b) {
        const Region region = pass.band(static_cast<std::int32_t>(b));
        table.pieces.push_back({state.bands[b].block(), region.y0, region.y1});
      }
      work.table = to_bytes(table);
      return work;
    }
    if (state.next_band < pass.bands()) {
      if (!may_start(p)) return std::nullopt;
      return band_work(p);
    }
  }
  return std::nullopt;
}

void ImageTask::on_spread(const Completion& completion, Running& job) {
  const auto payload = get_payload<CompletionPayload>(completion.payload);
  switch (job.kind) {
    case JobKind::decode: {
      result_.source_hash = payload.source_hash;
      decoded_ = std::move(job.leases.at(0));
      metadata_ = std::move(job.leases.at(1));
      passes_[0].done = true;
      break;
    }
    case JobKind::band: {
      PassState& state = passes_[job.pass];
      const Pass& pass = plan_.passes[job.pass];
      const auto bands = static_cast<std::size_t>(pass.bands());
      std::size_t next = 0;
      if (pass.into_frame >= 0 || pass.product >= 0) {
        state.bands.resize(bands);
        state.bands[job.band] = std::move(job.leases.at(next++));
      }
      if (pass.measures >= 0) {
        state.parts.resize(bands);
        state.parts[job.band] = std::move(job.leases.at(next));
      }
      ++state.bands_done;
      pass_advanced(job.pass);
      break;
    }
    case JobKind::resolve: {
      PassState& state = passes_[job.pass];
      const auto index = static_cast<std::size_t>(plan_.passes[job.pass].measures);
      const Statistic& statistic = plan_.statistics[index];
      statistics_[index] = std::move(job.leases.at(0));
      state.parts.clear();
      state.done = true;
      if (!statistic.stage->output(statistic.measured)) {
        // What a worker says about a size is believed only if the stage cannot grow the image.
        if (!plausible(payload.resolved, statistic.measured))
          return end({Terminal::Kind::failed, "its worker answered with an impossible size"});
        resolved_.push_back(payload.resolved);
        plan_ = make_plan(*recipe_, result_.header, codecs_, options_, Route::spread, resolved_);
        passes_.resize(plan_.passes.size());
        statistics_.resize(plan_.statistics.size());
      }
      break;
    }
    case JobKind::encode: {
      const auto product = static_cast<std::size_t>(plan_.passes[job.pass].product);
      result_.products[product] = payload.product[0];
      passes_[job.pass].bands.clear();
      passes_[job.pass].done = true;
      break;
    }
    default:
      break;
  }
  release_frames();
  const bool all = plan_.complete && std::ranges::all_of(passes_, &PassState::done);
  if (all) end({Terminal::Kind::done, ""});
}

void ImageTask::pass_advanced(std::size_t p) {
  const Pass& pass = plan_.passes[p];
  PassState& state = passes_[p];
  if (state.bands_done == pass.bands() && pass.measures < 0 && pass.product < 0) state.done = true;
}

bool ImageTask::holds(std::uint32_t window) const {
  const auto in_window = [&](const workers::Lease& lease) { return lease && lease.block().window == window; };
  if ((decoded_ && in_window(*decoded_)) || (metadata_ && in_window(*metadata_))) return true;
  if (std::ranges::any_of(statistics_, in_window)) return true;
  for (const PassState& pass : passes_)
    if (std::ranges::any_of(pass.bands, in_window) || std::ranges::any_of(pass.parts, in_window)) return true;
  return false;
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
      decoded_.reset();
    else
      passes_[p].bands.clear();
  }
}

}  // namespace tessera::pipeline
