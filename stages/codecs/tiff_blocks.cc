#include "stages/codecs/tiff_blocks.h"

#include <algorithm>
#include <cstring>

namespace tessera::stages {
namespace {

constexpr std::int64_t kReadBytes = 256 << 10;  // of a direct block, at once
constexpr std::int64_t kLargeStrip = 4 << 20;   // decoded; a larger one is decoded row by row

std::int64_t row_of_blocks_bytes(const TiffLayout& layout) {
  return layout.block_bytes() * layout.blocks_x() * layout.planes();
}

}  // namespace

TiffBlocks::TiffBlocks(ByteSource& source, TiffReader& reader, const TiffLayout& layout, FailOn fail_on)
    : source_(source), reader_(reader), layout_(layout), fail_on_(fail_on) {
  is_kept_.resize(static_cast<std::size_t>(layout.blocks_x()) * static_cast<std::size_t>(layout.planes()));
}

bool TiffBlocks::by_rows(const TiffLayout& layout) {
  return !layout.direct && !layout.tiled && !layout.separate && layout.block_bytes() > kLargeStrip;
}

std::uint64_t TiffBlocks::bytes(const TiffLayout& layout) {
  const std::int64_t blocks = std::int64_t{layout.blocks_x()} * layout.blocks_y() * layout.planes();
  std::int64_t bytes = 16 * blocks + 2 * kReadBytes;  // offsets and sizes; what the source keeps of the file
  // Of direct blocks the source's buffer grows to a row, and a row of zeros may be needed.
  bytes += layout.direct ? 3 * layout.row_bytes() : layout.compressed_bytes;
  if (layout.fax) bytes += 16 * std::int64_t{layout.block_width};  // libtiff's runs of two rows
  if (by_rows(layout)) return static_cast<std::uint64_t>(bytes + layout.row_bytes());
  if (!layout.direct) bytes += layout.block_bytes() + row_of_blocks_bytes(layout);
  return static_cast<std::uint64_t>(bytes);
}

template <class Read>
bool TiffBlocks::tolerate(const Read& read) {
  try {
    read();
    return true;
  } catch (const ImageError&) {
    if (fail_on_ != FailOn::none) throw;
    return false;
  }
}

void TiffBlocks::read(const MutableView& out) {
  const Region& r = out.region;
  if (r.empty()) return;
  for (std::int32_t y = r.y0 / layout_.block_height; y <= (r.y1 - 1) / layout_.block_height; ++y)
    for (std::int32_t plane = 0; plane < layout_.planes(); ++plane)
      for (std::int32_t x = r.x0 / layout_.block_width; x <= (r.x1 - 1) / layout_.block_width; ++x) {
        const Region part = intersect(layout_.block(x, y), r);
        const MutableView to = sub_view(layout_.info, out, part);
        if (layout_.direct)
          read_direct({x, y, plane}, part, to);
        else if (by_rows(layout_))
          read_rows({x, y, plane}, part, to);
        else
          read_decoded({x, y, plane}, part, to);
      }
  finish_samples(layout_, out);
}

void TiffBlocks::read_direct(const Place& place, const Region& part, const MutableView& out) {
  const Region block = layout_.block(place.x, place.y);
  const std::uint64_t offset = TIFFGetStrileOffset(reader_.tif, layout_.index(place.x, place.y, place.plane));
  const std::int64_t row_bytes = layout_.row_bytes(), wanted = column_bytes(part.width());
  // Rows that the file holds whole: it must not depend on the wanted columns which of them are read.
  const std::uint64_t behind = offset == 0 ? 0 : source_.size() - std::min(source_.size(), offset);
  const auto rows_there = static_cast<std::int64_t>(behind / static_cast<std::uint64_t>(row_bytes));
  // Rows one after the other, from the first wanted pixel of the first to the last of the last; row by row if most of
  // what lies between is not wanted.
  const std::int64_t at_once = wanted * 2 < row_bytes ? 1 : std::max<std::int64_t>(1, kReadBytes / row_bytes);
  for (std::int32_t y = part.y0; y < part.y1;) {
    const std::int64_t left = block.y0 + rows_there - y;
    const std::int64_t most = part.y1 - y;
    const auto rows = static_cast<std::int32_t>(left > 0 ? std::min({at_once, left, most}) : most);
    const MutableView to = sub_view(layout_.info, out, {part.x0, y, part.x1, y + rows});
    const std::int64_t from = (y - block.y0) * row_bytes + column_bytes(part.x0 - block.x0);
    const auto bytes = static_cast<std::size_t>((rows - 1) * row_bytes + wanted);
    const bool done = tolerate([&] {
      const ReadBytes got = left > 0 ? source_.at(offset + static_cast<std::uint64_t>(from), bytes) : ReadBytes();
      if (got.size() < bytes)
        throw ImageError("truncated TIFF: the file ends before its pixels; --fail-on none decodes what is there");
      unpack_samples(layout_, {got.data(), row_bytes, 0}, place.plane, to);
    });
    if (!done) clear_direct(place, to);
    y += rows;
  }
}

// Through unpack_samples: of separate planes only the missing one is cleared.
void TiffBlocks::clear_direct(const Place& place, const MutableView& out) {
  const Region& r = out.region;
  block_.assign(static_cast<std::size_t>(column_bytes(r.width())), std::byte{0});
  for (std::int32_t y = r.y0; y < r.y1; ++y)
    unpack_samples(layout_, {block_.data(), layout_.row_bytes(), 0}, place.plane,
                   sub_view(layout_.info, out, {r.x0, y, r.x1, y + 1}));
}

void TiffBlocks::read_rows(const Place& place, const Region& part, const MutableView& out) {
  block_.resize(static_cast<std::size_t>(layout_.row_bytes()));
  const std::int64_t strip_begin = std::int64_t{place.y} * layout_.block_height;
  // libtiff begins a strip at its first row; rows before the wanted ones are decoded and dropped.
  std::int64_t row = next_row_ > strip_begin && next_row_ <= part.y0 ? next_row_ : strip_begin;
  bool broken = false;
  for (; row < part.y1; ++row) {
    if (!broken) {
      std::ranges::fill(block_, std::byte{0});
      broken = !tolerate([&] {
        next_row_ = -1;
        reader_.run(
            [&] { return TIFFReadScanline(reader_.tif, block_.data(), static_cast<std::uint32_t>(row), 0) == 1; });
        next_row_ = row + 1;
      });
    }
    if (row < part.y0) continue;
    const auto y = static_cast<std::int32_t>(row);
    const MutableView to = sub_view(layout_.info, out, {part.x0, y, part.x1, y + 1});
    const std::byte* const from = block_.data() + (layout_.bits < 8 ? 0 : column_bytes(part.x0));
    unpack_samples(layout_, {from, layout_.row_bytes(), layout_.bits < 8 ? part.x0 : 0}, 0, to);
    if (broken) std::ranges::fill(block_, std::byte{0});
  }
}

void TiffBlocks::read_decoded(const Place& place, const Region& part, const MutableView& out) {
  const Region block = layout_.block(place.x, place.y);
  const auto block_bytes = static_cast<std::size_t>(layout_.block_bytes());
  if (kept_row_ != place.y) {
    kept_row_ = place.y;
    is_kept_.assign(is_kept_.size(), false);
  }
  const std::size_t i = static_cast<std::size_t>(place.plane) * static_cast<std::size_t>(layout_.blocks_x()) +
                        static_cast<std::size_t>(place.x);
  const std::byte* pixels = nullptr;
  if (is_kept_[i]) {
    pixels = kept_.data() + i * block_bytes;
  } else if (part.y1 < block.y1) {
    kept_.resize(static_cast<std::size_t>(row_of_blocks_bytes(layout_)));
    decode(place, kept_.data() + i * block_bytes);
    is_kept_[i] = true;
    pixels = kept_.data() + i * block_bytes;
  } else {
    block_.resize(block_bytes);
    decode(place, block_.data());
    pixels = block_.data();
  }
  const bool small = layout_.bits < 8;
  const std::byte* const from =
      pixels + (part.y0 - block.y0) * layout_.row_bytes() + (small ? 0 : column_bytes(part.x0 - block.x0));
  unpack_samples(layout_, {from, layout_.row_bytes(), small ? part.x0 - block.x0 : 0}, place.plane, out);
}

void TiffBlocks::decode(const Place& place, std::byte* to) {
  const std::uint32_t index = layout_.index(place.x, place.y, place.plane);
  const auto bytes = static_cast<tmsize_t>(layout_.block_bytes());
  // What a damaged block lacks must not be what an earlier one left; a fax that ends early is no error to libtiff.
  if (fail_on_ == FailOn::none || layout_.fax) std::memset(to, 0, static_cast<std::size_t>(bytes));
  tolerate([&] {
    reader_.run([&] {
      if (layout_.tiled) return TIFFReadEncodedTile(reader_.tif, index, to, bytes) == bytes;
      // The last strip may be shorter than the others.
      return TIFFReadEncodedStrip(reader_.tif, index, to, bytes) >= 0;
    });
  });
}

void TiffBlocks::check_extents() {
  const std::int64_t blocks = std::int64_t{layout_.blocks_x()} * layout_.blocks_y() * layout_.planes();
  const std::uint64_t size = source_.size();
  for (std::int64_t i = 0; i < blocks; ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    std::uint64_t bytes = TIFFGetStrileByteCount(reader_.tif, index);
    const std::uint64_t offset = TIFFGetStrileOffset(reader_.tif, index);
    if (layout_.direct) {
      const auto y = static_cast<std::int32_t>(i / layout_.blocks_x() % layout_.blocks_y());
      const std::int32_t rows = layout_.tiled ? layout_.block_height : layout_.block(0, y).height();
      bytes = static_cast<std::uint64_t>(layout_.row_bytes()) * static_cast<std::uint64_t>(rows);
    }
    if (offset == 0 || bytes == 0 || offset > size || bytes > size - offset)
      throw ImageError("truncated TIFF: the file ends before its pixels; --fail-on none decodes what is there");
  }
}

}  // namespace tessera::stages
