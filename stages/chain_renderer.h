// Renders neighbouring bands of one chain from the top down, in pieces small enough that what lies between two
// operations stays in the cache. Each operation computes only the rows that its successor does not have yet: rows that
// the next piece will need again are kept in a row buffer, so that halos cost nothing. The bytes are those of any other
// way to cut the image; only stages that are exact under any tiling can be rendered so.
#pragma once

#include "stages/chain.h"

namespace tessera::stages {

/// How a chain goes through an area: decided from the operations' required_input alone.
struct PieceSchedule {
  /// What waits between two operations: columns [x0, x1), at most `rows` rows at a time.
  struct Buffer {
    ImageInfo info;
    std::int32_t x0 = 0, x1 = 0, rows = 0;
  };
  std::int32_t piece_rows = 0;
  std::vector<Buffer> buffers;        // [i]: between link i and link i + 1
  std::uint64_t most_work_bytes = 0;  // input and output of one operation for one piece, at most
  double recomputed = 1;              // rows computed for rows needed; above 1 where rows do not ascend
};

/// `area` is rendered in bands of at most band_rows rows, from its first row on.
PieceSchedule schedule_pieces(const Chain&, const Region& area, std::int32_t band_rows);

class ChainRenderer {
 public:
  /// Takes its buffers from `scratch`, for which the caller holds a Mark as long as the renderer lives.
  ChainRenderer(const Chain&, Source&, const Region& area, std::int32_t band_rows, Scratch&);
  /// The next band of the area: full-width, starts where the last one ended, has band_rows rows but at the area's end.
  void render(const MutableView& band, const Chain::Note& note = {});

 private:
  // The rows [begin, end) of one intermediate image, first row first.
  struct Rows {
    MutableView view;                        // its region: what it holds now
    std::array<std::int32_t, 4> capacity{};  // samples, [plane]
    void clear(std::int32_t y);
    void keep_from(const ImageInfo& info, std::int32_t y);
    void extend(const ImageInfo& info, std::int32_t y);
  };
  void make(std::size_t link, const MutableView& out, const Chain::Note& note);
  View bring(std::size_t link, const Region& need, const Chain::Note& note);
  static Rows rows_in(const PieceSchedule::Buffer& buffer, Scratch&);

  const Chain& chain_;
  Source& source_;
  Scratch& scratch_;
  Region area_;
  std::int32_t piece_rows_;
  std::int32_t next_;
  std::vector<Rows> buffers_;
  View fetched_;  // for the band being rendered
};

/// Upper bound of the scratch that a renderer takes, its buffers included.
std::uint64_t renderer_scratch_bytes(const Chain&, const Region& area, std::int32_t band_rows);

}  // namespace tessera::stages
