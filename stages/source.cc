#include "stages/source.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "stages/frame_layout.h"

namespace tessera::stages {

View PieceSource::fetch(const Region& region) {
  const auto first = std::ranges::find_if(pieces_, [&](const View& p) { return p.region.y1 > region.y0; });
  assert(first != pieces_.end());
  if (first->region.contains(region)) return sub_view(info_, *first, region);
  // Whole rows of pieces keep coarse grids simple: samples never straddle a piece (pieces end at band multiples).
  // One buffer, kept warm from fetch to fetch; a larger one replaces it.
  if (gathered_.resident_bytes() < frame_layout(info_, region).bytes) gathered_.shrink();
  const Scratch::Mark reused(gathered_);
  const MutableView out = gathered_.take_view(info_, region);
  for (auto piece = first; piece != pieces_.end() && piece->region.y0 < region.y1; ++piece) {
    const Region part = intersect(piece->region, region);
    copy_pixels(info_, *piece, sub_view(info_, out, part));
  }
  return out;
}

DecoderSource::DecoderSource(Decoder& decoder, const Traits& traits, const Region& needed, WriteBytes ring,
                             std::int32_t ring_rows)
    : decoder_(decoder),
      traits_(traits),
      x0_(traits.access == Access::regions ? needed.x0 : 0),
      x1_(traits.access == Access::regions ? needed.x1 : traits.info.width),
      ring_(ring) {
  const std::int32_t multiple = traits.band_multiple;
  // A wanted region may start inside one multiple and end inside another.
  rows_ = (ring_rows + multiple - 1) / multiple * multiple + multiple;
  assert(ring_.size() >= ring_bytes(traits, ring_rows));
}

std::uint64_t DecoderSource::ring_bytes(const Traits& traits, std::int32_t ring_rows) {
  const std::int32_t multiple = traits.band_multiple;
  const std::int32_t rows = (ring_rows + multiple - 1) / multiple * multiple + multiple;
  return frame_layout(traits.info, {0, 0, traits.info.width, std::min(rows, traits.info.height)}).bytes;
}

Region DecoderSource::ring_region(std::int32_t from) const {
  return {x0_, from, x1_, std::min(from + rows_, traits_.info.height)};
}

View DecoderSource::fetch(const Region& region) {
  assert(region.y0 >= begin_ && region.y1 <= traits_.info.height && region.x0 >= x0_ && region.x1 <= x1_);
  const std::int32_t multiple = traits_.band_multiple;
  const ImageInfo& info = traits_.info;
  if (region.y1 > end_) {
    const std::int32_t keep_from = region.y0 / multiple * multiple;
    const std::int32_t target = std::min((region.y1 + multiple - 1) / multiple * multiple, info.height);
    if (keep_from > begin_) {
      // Move what is still needed to the ring's start; rows of all planes keep their strides, the layout its offsets.
      const Region kept{x0_, keep_from, x1_, std::max(end_, keep_from)};
      if (kept.y0 < kept.y1) {
        const View old_rows = sub_view(info, View(view_in(ring_, info, ring_region(begin_))), kept);
        const MutableView new_rows = sub_view(info, view_in(ring_, info, ring_region(keep_from)), kept);
        for (int p = 0; p < info.format.planes(); ++p) {
          const auto& from = old_rows.plane(p);
          const auto& to = new_rows.plane(p);
          const auto bytes = static_cast<std::size_t>(to.width) * static_cast<std::size_t>(info.format.pixel_bytes());
          for (std::int32_t y = 0; y < to.height; ++y)
            std::memmove(to.data + y * to.stride, from.data + y * from.stride, bytes);
        }
      }
      begin_ = keep_from;
    }
    assert(target <= begin_ + rows_);
    // Rows that no fetch will ask for still have to leave a decoder of rows, through the ring's first rows.
    if (traits_.access == Access::regions) end_ = std::max(end_, begin_);
    while (end_ < begin_) {
      const std::int32_t stop = std::min(begin_, end_ + rows_);
      decoder_.read(view_in(ring_, info, {x0_, end_, x1_, stop}));
      end_ = stop;
    }
    if (end_ < target) {
      decoder_.read(sub_view(info, view_in(ring_, info, ring_region(begin_)), {x0_, end_, x1_, target}));
      end_ = target;
    }
  }
  return sub_view(info, View(view_in(ring_, info, ring_region(begin_))), region);
}

}  // namespace tessera::stages
