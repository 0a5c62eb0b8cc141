// Where a chain's pixels come from: one frame, several pieces of one, or a decoder's rows through a ring.
#pragma once

#include <vector>

#include "stages/codec.h"
#include "stages/image.h"
#include "stages/scratch.h"

namespace tessera::stages {

class Source {
 public:
  virtual ~Source() = default;
  virtual const ImageInfo& info() const = 0;
  /// The pixels of `region` (inside the image); valid until the next fetch. The view may show more than asked.
  virtual View fetch(const Region& region) = 0;
};

/// A whole frame in memory.
class FrameSource final : public Source {
 public:
  FrameSource(const ImageInfo& info, const View& frame) : info_(info), frame_(frame) {}
  const ImageInfo& info() const override { return info_; }
  View fetch(const Region& region) override { return sub_view(info_, frame_, region); }

 private:
  ImageInfo info_;
  View frame_;
};

/// A frame that lies in full-width pieces, ascending and without gaps. A region inside one piece is lent; one that
/// crosses pieces is gathered into scratch of its own.
class PieceSource final : public Source {
 public:
  PieceSource(const ImageInfo& info, std::vector<View> pieces) : info_(info), pieces_(std::move(pieces)) {}
  const ImageInfo& info() const override { return info_; }
  View fetch(const Region& region) override;

 private:
  ImageInfo info_;
  std::vector<View> pieces_;
  Scratch gathered_;
};

/// A decoder's rows. Keeps only the rows that the next fetch may still need: fetches must ascend (region.y0 never
/// decreases), and no region may be taller than `ring_rows`. Of a decoder that gives any rectangle, only the columns of
/// `needed` are decoded, and no row that is not asked for.
class DecoderSource final : public Source {
 public:
  /// `ring` holds frame_layout(info, rows of ring_rows + band_multiple).bytes; see ring_bytes().
  /// Every fetch lies inside `needed`.
  DecoderSource(Decoder& decoder, const Traits& traits, const Region& needed, WriteBytes ring, std::int32_t ring_rows);
  const ImageInfo& info() const override { return traits_.info; }
  View fetch(const Region& region) override;
  static std::uint64_t ring_bytes(const Traits& traits, std::int32_t ring_rows);

 private:
  Region ring_region(std::int32_t from) const;

  Decoder& decoder_;
  Traits traits_;
  std::int32_t x0_, x1_;  // columns that are kept
  WriteBytes ring_;
  std::int32_t rows_;       // capacity, full-size rows, a multiple of traits.band_multiple
  std::int32_t begin_ = 0;  // rows [begin_, end_) are in the ring, first row first
  std::int32_t end_ = 0;
};

}  // namespace tessera::stages
