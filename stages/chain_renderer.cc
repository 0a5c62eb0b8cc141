#include "stages/chain_renderer.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "stages/frame_layout.h"

namespace tessera::stages {
namespace {

// Rows that a piece holds of all images of the chain together: about half of a core's second-level cache.
constexpr std::uint64_t kPieceBytes = 512 << 10;
constexpr std::int32_t kLeastRows = 16;
// More rows than this computed twice (a flip after a blur), and larger pieces are better.
constexpr double kMostRecomputed = 1.05;

// Which rows of an intermediate image are there, and which have to be computed for a need: one rule for the schedule
// and for the renderer.
struct RowRange {
  std::int32_t begin = 0, end = 0;
};
struct Advance {
  std::int32_t keep_from, compute_from, compute_to;
};
Advance advance(const RowRange& held, const Region& need) {
  if (need.y0 < held.begin || need.y0 > held.end) return {need.y0, need.y0, need.y1};
  return {need.y0, held.end, std::max(held.end, need.y1)};
}

Region rows_of(std::int32_t x0, std::int32_t x1, std::int32_t y0, std::int32_t y1) { return {x0, y0, x1, y1}; }

std::uint64_t bytes_of(const ImageInfo& info, const Region& region) { return frame_layout(info, region).bytes; }

PieceSchedule empty_schedule(const Chain& chain, const Region& area, std::int32_t piece_rows) {
  const auto& links = chain.links();
  PieceSchedule schedule;
  schedule.piece_rows = piece_rows;
  schedule.buffers.resize(links.size() - 1);
  Region region = area;
  for (std::size_t i = links.size() - 1; i > 0; --i) {
    region = links[i].operation->required_input(region);
    schedule.buffers[i - 1] = {links[i - 1].output, region.x0, region.x1, 0};
  }
  return schedule;
}

PieceSchedule walk(const Chain& chain, const Region& area, std::int32_t band_rows, std::int32_t piece_rows) {
  const auto& links = chain.links();
  PieceSchedule schedule = empty_schedule(chain, area, piece_rows);
  std::vector<RowRange> held(schedule.buffers.size()), seen(schedule.buffers.size());
  std::int64_t computed = 0;
  const auto piece = [&](Region want) {
    for (std::size_t i = links.size(); i-- > 0 && !want.empty();) {
      const Region need = links[i].operation->required_input(want);
      const ImageInfo& in = i > 0 ? links[i - 1].output : chain.input();
      schedule.most_work_bytes =
          std::max(schedule.most_work_bytes, bytes_of(in, need) + bytes_of(links[i].output, want));
      if (i == 0) return;
      PieceSchedule::Buffer& buffer = schedule.buffers[i - 1];
      const Advance step = advance(held[i - 1], need);
      held[i - 1] = {step.keep_from, step.compute_to};
      buffer.rows = std::max(buffer.rows, step.compute_to - step.keep_from);
      RowRange& all = seen[i - 1];
      all = all.end == 0 ? RowRange{need.y0, need.y1}
                         : RowRange{std::min(all.begin, need.y0), std::max(all.end, need.y1)};
      computed += step.compute_to - step.compute_from;
      want = rows_of(buffer.x0, buffer.x1, step.compute_from, step.compute_to);
    }
  };
  for (std::int32_t top = area.y0; top < area.y1; top += band_rows)
    for (std::int32_t y = top, end = std::min(top + band_rows, area.y1); y < end; y += piece_rows)
      piece(rows_of(area.x0, area.x1, y, std::min(y + piece_rows, end)));
  std::int64_t needed = 0;
  for (const RowRange& rows : seen) needed += rows.end - rows.begin;
  if (needed > 0) schedule.recomputed = static_cast<double>(computed) / static_cast<double>(needed);
  return schedule;
}

std::int32_t first_guess(const Chain& chain, const Region& area, std::int32_t band_rows) {
  std::uint64_t bytes = bytes_of(chain.output(), area);
  std::int32_t efficient = kLeastRows;
  Region region = area;
  for (auto i = chain.links().size(); i-- > 0;) {
    const Operation& operation = *chain.links()[i].operation;
    efficient = std::max(efficient, operation.efficient_rows());
    region = operation.required_input(region);
    bytes += bytes_of(i > 0 ? chain.links()[i - 1].output : chain.input(), region);
  }
  const std::uint64_t row = std::max<std::uint64_t>(bytes / static_cast<std::uint64_t>(area.height()), 1);
  const auto rows = static_cast<std::int32_t>(std::min<std::uint64_t>(kPieceBytes / row, kMaxSide));
  return std::clamp(std::max(rows / kLeastRows * kLeastRows, efficient), 1, band_rows);
}

}  // namespace

PieceSchedule schedule_pieces(const Chain& chain, const Region& area, std::int32_t band_rows) {
  assert(!chain.links().empty() && !area.empty() && band_rows > 0);
  for (std::int32_t rows = first_guess(chain, area, band_rows);; rows = std::min(rows * 2, band_rows)) {
    PieceSchedule schedule = walk(chain, area, band_rows, rows);
    if (schedule.recomputed <= kMostRecomputed || rows == band_rows) return schedule;
  }
}

std::uint64_t renderer_scratch_bytes(const Chain& chain, const Region& area, std::int32_t band_rows) {
  if (chain.links().empty()) return 0;
  const PieceSchedule schedule = schedule_pieces(chain, area, std::min(band_rows, area.height()));
  std::uint64_t buffers = 0;
  for (const PieceSchedule::Buffer& buffer : schedule.buffers)  // two rows more: planes whose grid is coarse
    buffers +=
        bytes_of(buffer.info, rows_of(buffer.x0, buffer.x1, 0, 1)) * (static_cast<std::uint64_t>(buffer.rows) + 2);
  // An operation's own buffers live only while it is applied: copies with a border, rows of float for bytes.
  return buffers + 4 * schedule.most_work_bytes + kScratchSlackBytes;
}

ChainRenderer::ChainRenderer(const Chain& chain, Source& source, const Region& area, std::int32_t band_rows,
                             Scratch& scratch)
    : chain_(chain),
      source_(source),
      scratch_(scratch),
      area_(area),
      piece_rows_(std::min(band_rows, area.height())),
      next_(area.y0) {
  if (chain.links().empty()) return;
  const PieceSchedule schedule = schedule_pieces(chain, area, piece_rows_);
  piece_rows_ = schedule.piece_rows;
  for (const PieceSchedule::Buffer& buffer : schedule.buffers) buffers_.push_back(rows_in(buffer, scratch));
}

ChainRenderer::Rows ChainRenderer::rows_in(const PieceSchedule::Buffer& buffer, Scratch& scratch) {
  const Region empty{buffer.x0, 0, buffer.x1, 0};
  Rows rows{{buffer.info.format, empty, {}}, {}};
  const FrameLayout one_row = frame_layout(buffer.info, rows_of(buffer.x0, buffer.x1, 0, 1));
  for (std::size_t p = 0; p < static_cast<std::size_t>(buffer.info.format.planes()); ++p) {
    // Rows that start and end anywhere on a coarse grid touch one sample more than their number says.
    const std::int32_t log2 = buffer.info.grid[p].log2_y;
    rows.capacity[p] = log2 == 0 ? buffer.rows : (buffer.rows >> log2) + 2;
    const auto stride = static_cast<std::ptrdiff_t>(one_row.planes[p].stride);
    const WriteBytes memory =
        scratch.take(static_cast<std::uint64_t>(stride) * static_cast<std::uint64_t>(rows.capacity[p]));
    rows.view.planes[p] = {memory.data(), stride, one_row.planes[p].width, 0};
  }
  return rows;
}

void ChainRenderer::Rows::clear(std::int32_t y) {
  view.region.y0 = view.region.y1 = y;
  for (auto& plane : view.planes) plane.height = 0;
}

// Moves row y, which is there, and what follows to the start.
void ChainRenderer::Rows::keep_from(const ImageInfo& info, std::int32_t y) {
  const Region kept{view.region.x0, y, view.region.x1, view.region.y1};
  const MutableView rest = sub_view(info, view, kept);
  for (std::size_t p = 0; p < static_cast<std::size_t>(info.format.planes()); ++p) {
    const auto& from = rest.planes[p];
    auto& to = view.planes[p];
    if (from.data != to.data)
      std::memmove(to.data, from.data, static_cast<std::size_t>(from.stride) * static_cast<std::size_t>(from.height));
    to.height = from.height;
  }
  view.region = kept;
}

void ChainRenderer::Rows::extend(const ImageInfo& info, std::int32_t y) {
  view.region.y1 = y;
  for (int p = 0; p < info.format.planes(); ++p) {
    auto& plane = view.planes[static_cast<std::size_t>(p)];
    plane.height = samples(info, p, view.region).height();
    assert(plane.height <= capacity[static_cast<std::size_t>(p)]);
  }
}

// What link `link` needs to compute `out`: lent by the source, or rows of a buffer, computed as far as they are
// missing.
View ChainRenderer::bring(std::size_t link, const Region& need, const Chain::Note& note) {
  if (link == 0) return fetched_;
  Rows& rows = buffers_[link - 1];
  const ImageInfo& info = chain_.links()[link - 1].output;
  const Advance step = advance({rows.view.region.y0, rows.view.region.y1}, need);
  if (step.compute_from == step.keep_from)
    rows.clear(step.keep_from);
  else
    rows.keep_from(info, step.keep_from);
  if (step.compute_from < step.compute_to) {
    rows.extend(info, step.compute_to);
    const Region missing{rows.view.region.x0, step.compute_from, rows.view.region.x1, step.compute_to};
    make(link - 1, sub_view(info, rows.view, missing), note);
  }
  return rows.view;
}

void ChainRenderer::make(std::size_t link, const MutableView& out, const Chain::Note& note) {
  const Chain::Link& step = chain_.links()[link];
  const View in = bring(link, step.operation->required_input(out.region), note);
  const Scratch::Mark inner(scratch_);
  if (note) note(step.label);
  step.operation->apply(in, out, scratch_);
  for (const auto& [operation, label] : step.in_place) {
    if (note) note(label);
    operation->apply(out, out, scratch_);
  }
}

void ChainRenderer::render(const MutableView& band, const Chain::Note& note) {
  assert(band.region.x0 == area_.x0 && band.region.x1 == area_.x1 && band.region.y0 == next_);
  next_ = band.region.y1;
  if (chain_.links().empty()) return copy_pixels(chain_.output(), source_.fetch(band.region), band);
  // Once for the band: what its pieces need lies inside, and a decoder is asked in the order of bands.
  Region need = band.region;
  for (auto i = chain_.links().size(); i-- > 0;) {
    need = chain_.links()[i].operation->required_input(need);
    if (i > 0) need.x0 = buffers_[i - 1].view.region.x0, need.x1 = buffers_[i - 1].view.region.x1;
  }
  fetched_ = source_.fetch(need);
  for (std::int32_t y = band.region.y0; y < band.region.y1; y += piece_rows_) {
    const Region piece{area_.x0, y, area_.x1, std::min(y + piece_rows_, band.region.y1)};
    make(chain_.links().size() - 1, sub_view(chain_.output(), band, piece), note);
  }
}

}  // namespace tessera::stages
