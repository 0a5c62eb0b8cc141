// ImageTask's spread route, from the file to parts of the decoder's frame: in order by one decoder that is kept from
// part to part, or, for codecs that read any region, each by a decoder of its own in any worker.
#include <algorithm>

#include "pipeline/image_task.h"
#include "pipeline/metadata_block.h"
#include "stages/frame_layout.h"

namespace tessera::pipeline {
using namespace stages;

bool ImageTask::rows_ready(Rows rows) const {
  for (std::int32_t i = grid_.holding(rows.y0); i <= grid_.holding(rows.y1 - 1); ++i)
    if (!parts_[static_cast<std::size_t>(i)].done) return false;
  return true;
}

// Of a windowed plan's bands; how many there are when all are rendered.
std::int32_t ImageTask::oldest_unrendered() const {
  const std::vector<bool>& rendered = passes_[1].rendered;
  return static_cast<std::int32_t>(std::ranges::find(rendered, false) - rendered.begin());
}

// One wish: the next part. Of a window only as far ahead of the oldest band as keeps every slot busy.
void ImageTask::add_decode_wishes() {
  const bool any_order = plan_.decode_traits.access == Access::regions;
  const std::int32_t first = any_order ? grid_.first : 0;
  std::int32_t next = first;
  while (next <= grid_.last && parts_[static_cast<std::size_t>(next)].started) ++next;
  if (next > grid_.last) return;
  // The first part alone: it brings the metadata, and what the file looked like.
  const bool begins = next == first;
  if (!begins && !metadata_) return;
  if (!any_order && decoding_) return;
  Work work = base_work(JobKind::decode);
  if (plan_.windowed) {
    const Pass& pass = plan_.passes[1];
    const PassState& state = passes_[1];
    const std::int32_t oldest = std::min(oldest_unrendered(), pass.bands() - 1);
    const Rows need = state.needs[static_cast<std::size_t>(oldest)];
    if (next > grid_.holding(need.y1 - 1) + settings_.slots) return;
    work.spare_bytes = pass.band_scratch_bytes + frame_layout(pass.output, pass.band(oldest)).bytes +
                       (state.encoder ? 0 : encoder_bytes(pass));
  }
  work.payload.band = static_cast<std::uint32_t>(next);
  work.own_blocks = {grid_.bytes(next), begins ? metadata_block_bytes(result_.header) : 0};
  work.limits = limits_of(pixels_of(result_.header.full), 1);
  work.fds = {kInputFd};
  if (any_order || (begins && grid_.last == first))
    work.private_bytes = plan_.decode_traits.private_bytes;
  else if (begins)
    work.kept_bytes = std::max<std::uint64_t>(plan_.decode_traits.private_bytes, 1);
  else
    work.only_window = decoder_->window;
  work.opens = work.only_window == 0;
  wishes_.push_back(std::move(work));
}

// Beside everything else, for it reads the whole file once more.
void ImageTask::add_hash_wish() {
  if (hash_started_) return;
  Work work = base_work(JobKind::hash);
  work.limits = limits_of(pixels_of(result_.header.full), 1);
  work.fds = {kInputFd};
  wishes_.push_back(std::move(work));
}

// False when a job found another file than the first part did.
bool ImageTask::same_input(const CompletionPayload& payload) {
  if (source_state_ == 0) source_state_ = payload.source_state;
  return payload.source_state == source_state_;
}

void ImageTask::on_decoded(const CompletionPayload& payload, Running& job) {
  decoding_ = false;
  if (!same_input(payload)) return input_changed("it changed while it was read");
  PartState& part = parts_[job.band];
  part.lease = std::move(job.leases.at(0));
  part.done = true;
  if (!metadata_) metadata_ = std::move(job.leases.at(1));
  const bool any_order = plan_.decode_traits.access == Access::regions;
  const auto wanted = parts_.begin() + (any_order ? grid_.first : 0);
  passes_[0].done = std::all_of(wanted, parts_.begin() + grid_.last + 1, [](const PartState& p) { return p.done; });
  if (passes_[0].done) decoder_.reset();
}

// Of a window: rows that neither the oldest band that is not rendered nor any behind it needs.
void ImageTask::release_rows() {
  const std::int32_t oldest = oldest_unrendered();
  const bool none = oldest == plan_.passes[1].bands();
  const std::int32_t from = none ? grid_.info.height : passes_[1].needs[static_cast<std::size_t>(oldest)].y0;
  for (std::int32_t i = 0; i < grid_.count && grid_.part(i).y1 <= from; ++i)
    if (parts_[static_cast<std::size_t>(i)].done) parts_[static_cast<std::size_t>(i)].lease = {};
}

}  // namespace tessera::pipeline
