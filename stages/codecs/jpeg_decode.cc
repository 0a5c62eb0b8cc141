// JPEG to rows. Bit-identical to libjpeg-turbo's own decoder at its defaults (accurate integer DCT, fancy upsampling,
// block smoothing of unfinished progressive files), which is what djpeg gives.
//
// Planes: libjpeg's raw data, one row of MCUs at a time through a buffer of our own, because it writes whole blocks,
// past the image's edge. At scale 1/2 and below libjpeg 6's interface gives 4:2:0 chroma at luma's size (it scales each
// component's DCT by itself); it is averaged down, so the grid is header.chroma_log2 + scale at every scale. A frame
// then takes half the bytes and a resampler reads a quarter of the chroma; what is lost lies above luma's own
// resolution.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "stages/codecs/bands.h"
#include "stages/codecs/jpeg.h"
#include "stages/codecs/jpeg_io.h"
#include "stages/codecs/jpeg_markers.h"
#include "stages/codecs/jpeg_planes.h"

namespace tessera::stages {
namespace {

bool is_cmyk(const jpeg_decompress_struct& cinfo) {
  return cinfo.jpeg_color_space == JCS_CMYK || cinfo.jpeg_color_space == JCS_YCCK;
}

PixelFormat format_of(const jpeg_decompress_struct& cinfo) {
  switch (cinfo.jpeg_color_space) {
    case JCS_GRAYSCALE:
      return {Model::gray, Depth::u8, false};
    case JCS_YCbCr:
    case JCS_RGB:
    case JCS_CMYK:
    case JCS_YCCK:
      return {Model::bgr, Depth::u8, false};
    default:
      throw ImageError(fmt::format("JPEG: {} components are no known colour space", cinfo.num_components));
  }
}

// The subsampling of chroma, if the planes can be told as grids: luma full, both chroma planes alike, powers of two.
std::optional<std::array<std::uint8_t, 2>> chroma_log2_of(const jpeg_decompress_struct& cinfo) {
  if (cinfo.jpeg_color_space != JCS_YCbCr) return std::nullopt;
  const auto *y = &cinfo.comp_info[0], *cb = &cinfo.comp_info[1], *cr = &cinfo.comp_info[2];
  if (cb->h_samp_factor != cr->h_samp_factor || cb->v_samp_factor != cr->v_samp_factor) return std::nullopt;
  if (y->h_samp_factor % cb->h_samp_factor != 0 || y->v_samp_factor % cb->v_samp_factor != 0) return std::nullopt;
  const auto x = static_cast<unsigned>(y->h_samp_factor / cb->h_samp_factor);
  const auto v = static_cast<unsigned>(y->v_samp_factor / cb->v_samp_factor);
  if (!std::has_single_bit(x) || !std::has_single_bit(v)) return std::nullopt;
  return std::array{static_cast<std::uint8_t>(std::bit_width(x) - 1), static_cast<std::uint8_t>(std::bit_width(v) - 1)};
}

Header header_of(JpegReader& reader, const JpegMetadata& metadata) {
  const jpeg_decompress_struct& cinfo = reader.cinfo;
  Header header;
  header.full.width = static_cast<std::int32_t>(cinfo.image_width);
  header.full.height = static_cast<std::int32_t>(cinfo.image_height);
  header.full.format = format_of(cinfo);
  header.full.profile_id = profile_id(find_block(metadata.blocks, "icc"));
  header.orientation = metadata.orientation;
  header.max_scale_log2 = 3;
  header.progressive = jpeg_has_multiple_scans(&reader.cinfo);
  const auto chroma = chroma_log2_of(cinfo);
  header.planar = chroma.has_value();
  header.chroma_log2 = chroma.value_or(std::array<std::uint8_t, 2>{});
  header.metadata_bytes = total_bytes(metadata.blocks);
  return header;
}

// Every Huffman-coded block takes at least one bit, so a header can promise only so many pixels. This refuses a bomb
// (65500 x 65500 in a few bytes) before its memory is touched. Arithmetic coding knows no such bound.
void check_file_holds_image(const jpeg_decompress_struct& cinfo, std::uint64_t file_bytes) {
  const auto& luma = cinfo.comp_info[0];
  const std::uint64_t blocks = std::uint64_t{luma.width_in_blocks} * luma.height_in_blocks;
  if (!cinfo.arith_code && blocks / 8 > file_bytes)
    throw ImageError(
        fmt::format("truncated JPEG: {} bytes cannot hold {} x {} pixels; --fail-on none decodes what is there",
                    file_bytes, cinfo.image_width, cinfo.image_height));
}

// Inks to BGR by multiplying what each lets through: no colour management (the file's profile is dropped with it).
// Adobe's files store 255 for no ink.
void cmyk_to_bgr(const std::uint8_t* cmyk, std::uint8_t* bgr, std::int32_t width, bool inverted) {
  const unsigned flip = inverted ? 0 : 255;
  for (std::int32_t x = 0; x < width; ++x, cmyk += 4, bgr += 3) {
    const unsigned k = cmyk[3] ^ flip;
    for (int c = 0; c < 3; ++c) bgr[c] = static_cast<std::uint8_t>(((cmyk[2 - c] ^ flip) * k + 127) / 255);
  }
}

class JpegDecoder final : public Decoder {
 public:
  JpegDecoder(ByteSource& source, const DecodeRequest& request) : reader_(source, request.fail_on), request_(request) {
    reader_.read_header();
    metadata_ = read_jpeg_metadata(reader_, format_of(reader_.cinfo).model);
    info_ = jpeg_decode_traits(header_of(reader_, metadata_), request).info;
    if (request.fail_on != FailOn::none) check_file_holds_image(reader_.cinfo, source.size());
    jpeg_decompress_struct& cinfo = reader_.cinfo;
    cinfo.scale_num = 1;
    cinfo.scale_denom = 1u << request.scale_log2;
    cinfo.dct_method = JDCT_ISLOW;
    cinfo.raw_data_out = request.planar;
    cinfo.out_color_space = request.planar                      ? JCS_YCbCr
                            : is_cmyk(cinfo)                    ? JCS_CMYK
                            : info_.format.model == Model::gray ? JCS_GRAYSCALE
                                                                : JCS_EXT_BGR;
  }

  void read(const MutableView& out) override {
    check_band(info_, next_row_, out);
    start();
    if (request_.planar)
      read_planes(out);
    else if (is_cmyk(reader_.cinfo))
      read_cmyk(out.plane());
    else
      read_rows(out.plane());
    next_row_ = out.region.y1;
  }

  void finish() override {
    try {
      start();
      drain();
      reader_.run([&] { jpeg_finish_decompress(&reader_.cinfo); });
    } catch (const ImageError&) {
      if (request_.fail_on != FailOn::none) throw;
    }
  }

  Metadata metadata() override { return metadata_.blocks; }

 private:
  void start() {
    if (started_) return;
    reader_.run([&] { jpeg_start_decompress(&reader_.cinfo); });
    started_ = true;
    if (request_.planar)
      planes_.emplace(reader_.cinfo);
    else
      row_.resize(static_cast<std::size_t>(reader_.cinfo.output_width) * 4);
  }

  void read_rows(const MutableView::Plane& out) {
    for (std::int32_t y = 0; y < out.height;) {
      JDIMENSION done = 0;
      reader_.run([&] {
        std::array<JSAMPROW, 16> rows{};
        const auto count = static_cast<std::int32_t>(rows.size());
        for (std::int32_t i = 0; i < std::min(count, out.height - y); ++i)
          rows[static_cast<std::size_t>(i)] = out.row<JSAMPLE>(y + i);
        done =
            jpeg_read_scanlines(&reader_.cinfo, rows.data(), static_cast<JDIMENSION>(std::min(count, out.height - y)));
      });
      y += static_cast<std::int32_t>(done);
    }
  }

  void read_cmyk(const MutableView::Plane& out) {
    for (std::int32_t y = 0; y < out.height; ++y) {
      read_into_row();
      cmyk_to_bgr(row_.data(), out.row<std::uint8_t>(y), out.width, reader_.cinfo.saw_Adobe_marker);
    }
  }

  void read_into_row() {
    JSAMPROW row = row_.data();
    reader_.run([&] { jpeg_read_scanlines(&reader_.cinfo, &row, 1); });
  }

  void read_planes(const MutableView& out) {
    const auto mcu_rows = static_cast<std::int32_t>(reader_.cinfo.max_v_samp_factor * DCTSIZE);
    for (std::int32_t y = out.region.y0; y < out.region.y1;) {
      if (y >= planes_end_) read_mcu_row(mcu_rows);
      const Region held{0, planes_end_ - mcu_rows, info_.width, std::min(planes_end_, info_.height)};
      const Region part = intersect(held, out.region);
      planes_->copy(info_, held, sub_view(info_, out, part));
      y = part.y1;
    }
  }

  void read_mcu_row(std::int32_t mcu_rows) {
    const auto lines = static_cast<JDIMENSION>(reader_.cinfo.max_v_samp_factor * reader_.cinfo.min_DCT_scaled_size);
    const JSAMPIMAGE image = planes_->image();
    reader_.run([&] { jpeg_read_raw_data(&reader_.cinfo, image, lines); });
    planes_end_ += mcu_rows;
  }

  void drain() {
    while (reader_.cinfo.output_scanline < reader_.cinfo.output_height) {
      if (request_.planar)
        read_mcu_row(static_cast<std::int32_t>(reader_.cinfo.max_v_samp_factor * DCTSIZE));
      else
        read_into_row();
    }
  }

  JpegReader reader_;
  DecodeRequest request_;
  JpegMetadata metadata_;
  ImageInfo info_;
  bool started_ = false;
  std::int32_t next_row_ = 0;         // full-size rows handed out
  std::optional<JpegPlanes> planes_;  // the MCU row that ends at planes_end_
  std::int32_t planes_end_ = 0;
  std::vector<std::uint8_t> row_;  // CMYK, and rows that nobody wants
};

}  // namespace

std::uint64_t jpeg_coefficient_bytes(const ImageInfo& info, int components, std::array<std::uint8_t, 2> chroma_log2) {
  const auto width = static_cast<std::uint64_t>(info.width + 31) / 32 * 32;
  const auto height = static_cast<std::uint64_t>(info.height + 31) / 32 * 32;
  const std::uint64_t full = width * height * sizeof(JCOEF);
  const std::uint64_t others = full >> (chroma_log2[0] + chroma_log2[1]);
  return full + others * static_cast<std::uint64_t>(components - 1) + height / 8 * 8 * 4;  // + row pointers
}

Header probe_jpeg(ByteSource& source) {
  JpegReader reader(source, FailOn::truncated);
  reader.read_header();
  return header_of(reader, read_jpeg_metadata(reader, format_of(reader.cinfo).model));
}

Traits jpeg_decode_traits(const Header& header, const DecodeRequest& request) {
  if (request.page >= header.pages) throw ImageError("a JPEG file has one page");
  if (request.scale_log2 > header.max_scale_log2) throw std::invalid_argument("a JPEG is shrunk by at most 8");
  if (request.planar && !header.planar) throw std::invalid_argument("this JPEG cannot be decoded to planes");
  Traits traits;
  traits.info = header.full;
  traits.info.grid[0] = {request.scale_log2, request.scale_log2};
  if (request.planar) {
    traits.info.format = {Model::ycbcr_planar, Depth::u8, false};
    const auto [x, y] = header.chroma_log2;
    traits.info.grid[1] = traits.info.grid[2] = {static_cast<std::uint8_t>(request.scale_log2 + x),
                                                 static_cast<std::uint8_t>(request.scale_log2 + y)};
  }
  traits.band_multiple = 1 << std::max(traits.info.grid[0].log2_y, traits.info.grid[1].log2_y);

  const bool gray = header.full.format.model == Model::gray;
  const int components = gray ? 1 : header.planar ? 3 : 4;
  // A row of MCUs is at most 32 rows high: once as samples, once with libjpeg's context rows, once in our buffer.
  const auto width = static_cast<std::uint64_t>(header.full.width + 31) / 32 * 32;
  traits.private_bytes = kJpegFixedBytes +
                         3 * (width >> request.scale_log2) * 32 * static_cast<std::uint64_t>(components) +
                         3ull * header.metadata_bytes +
                         (header.progressive ? jpeg_coefficient_bytes(header.full, components, header.chroma_log2) : 0);
  return traits;
}

std::unique_ptr<Decoder> decode_jpeg(ByteSource& source, const DecodeRequest& request) {
  return std::make_unique<JpegDecoder>(source, request);
}

}  // namespace tessera::stages
