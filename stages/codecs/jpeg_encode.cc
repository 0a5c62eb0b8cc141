// Rows or planes to JPEG (JFIF, 8 bit, Huffman). The bytes depend on pixels, metadata and settings alone: libjpeg, or
// the row of MCUs kept here, collects rows until a row of blocks is complete, however they were handed over.
#include <algorithm>
#include <cassert>
#include <stdexcept>

#include "stages/codecs/jpeg.h"
#include "stages/codecs/jpeg_io.h"
#include "stages/codecs/jpeg_markers.h"
#include "stages/codecs/jpeg_planes.h"

namespace tessera::stages {
namespace {

constexpr std::int32_t kMaxJpegSide = 65500;  // JPEG_MAX_DIMENSION

bool is_planar(const ImageInfo& info) { return info.format.model == Model::ycbcr_planar; }

void check_storable(const ImageInfo& info) {
  if (info.format.alpha || info.format.depth != Depth::u8)
    throw std::invalid_argument("JPEG stores 8 bits without alpha, not " + to_string(info.format));
  if (info.width > kMaxJpegSide || info.height > kMaxJpegSide)
    throw ImageError("a JPEG is at most 65500 pixels wide and high");
  const Grid luma = info.grid[0], cb = info.grid[1], cr = info.grid[2];
  const bool centred = cb.phase_x == 0 && cb.phase_y == 0;
  // libjpeg allows 10 blocks in an MCU: 4 x 2 of luma are the most beside two of chroma.
  if (!luma.full_size() ||
      (is_planar(info) && (cb != cr || !centred || cb.log2_x > 2 || cb.log2_y > 2 || cb.log2_x + cb.log2_y > 3)))
    throw std::invalid_argument("JPEG stores full-size luma and chroma subsampled by 1, 2 or 4, at most 8 in all");
}

std::array<std::uint8_t, 2> chroma_log2(const ImageInfo& info, const Values& settings) {
  if (info.format.model == Model::gray) return {0, 0};
  const Grid grid = is_planar(info) ? info.grid[1] : jpeg_chroma_grid(settings);
  return {grid.log2_x, grid.log2_y};
}

class JpegEncoder final : public Encoder {
 public:
  JpegEncoder(ByteSink& sink, const ImageInfo& info, const Metadata& metadata, const Values& settings)
      : writer_(sink), info_(info) {
    check_storable(info);
    configure(settings);
    set_jpeg_density(writer_.cinfo, metadata);
    writer_.run([&] { jpeg_start_compress(&writer_.cinfo, TRUE); });
    write_jpeg_metadata(writer_, metadata, info.format.model);
    if (is_planar(info)) planes_.emplace(writer_.cinfo);
  }

  void write(const View& band) override {
    assert(band.format == info_.format && band.region.x0 == 0 && band.region.x1 == info_.width);
    assert(band.region.y0 == next_row_ && band.region.y1 <= info_.height);
    if (planes_)
      write_planes(band);
    else
      write_rows(band.plane());
    next_row_ = band.region.y1;
  }

  void finish() override {
    assert(next_row_ == info_.height);
    writer_.run([&] { jpeg_finish_compress(&writer_.cinfo); });
  }

 private:
  void configure(const Values& settings) {
    jpeg_compress_struct& cinfo = writer_.cinfo;
    const auto [chroma_x, chroma_y] = chroma_log2(info_, settings);
    const bool gray = info_.format.model == Model::gray;
    const int quality = settings.integer("quality");
    const bool progressive = settings.boolean("progressive"), optimize = settings.boolean("optimize");
    writer_.run([&, x = chroma_x, y = chroma_y] {
      cinfo.image_width = static_cast<JDIMENSION>(info_.width);
      cinfo.image_height = static_cast<JDIMENSION>(info_.height);
      cinfo.input_components = gray ? 1 : 3;
      cinfo.in_color_space = gray ? JCS_GRAYSCALE : is_planar(info_) ? JCS_YCbCr : JCS_EXT_BGR;
      jpeg_set_defaults(&cinfo);
      jpeg_set_quality(&cinfo, quality, TRUE);
      cinfo.dct_method = JDCT_ISLOW;
      cinfo.raw_data_in = is_planar(info_);
      cinfo.optimize_coding = optimize;
      for (int i = 0; i < cinfo.num_components; ++i)
        cinfo.comp_info[i].h_samp_factor = cinfo.comp_info[i].v_samp_factor = 1;
      cinfo.comp_info[0].h_samp_factor = 1 << x;
      cinfo.comp_info[0].v_samp_factor = 1 << y;
      if (progressive) jpeg_simple_progression(&cinfo);
    });
  }

  void write_rows(const View::Plane& in) {
    for (std::int32_t y = 0; y < in.height;) {
      JDIMENSION done = 0;
      writer_.run([&] {
        std::array<JSAMPROW, 16> rows{};
        const std::int32_t count = std::min(static_cast<std::int32_t>(rows.size()), in.height - y);
        for (std::int32_t i = 0; i < count; ++i)  // libjpeg's interface is not const, its use of the rows is
          rows[static_cast<std::size_t>(i)] = const_cast<JSAMPROW>(in.row<JSAMPLE>(y + i));
        done = jpeg_write_scanlines(&writer_.cinfo, rows.data(), static_cast<JDIMENSION>(count));
      });
      y += static_cast<std::int32_t>(done);
    }
  }

  void write_planes(const View& band) {
    const std::int32_t mcu_rows = writer_.cinfo.max_v_samp_factor * DCTSIZE;
    for (std::int32_t y = band.region.y0; y < band.region.y1;) {
      const std::int32_t begin = y / mcu_rows * mcu_rows;
      const Region held{0, begin, info_.width, std::min(begin + mcu_rows, info_.height)};
      const Region part = intersect(held, band.region);
      planes_->take(info_, held, sub_view(info_, band, part));
      y = part.y1;
      if (y < held.y1) break;
      planes_->pad_below(info_, held);
      const JSAMPIMAGE image = planes_->image();
      writer_.run([&] { jpeg_write_raw_data(&writer_.cinfo, image, static_cast<JDIMENSION>(mcu_rows)); });
    }
  }

  JpegWriter writer_;
  ImageInfo info_;
  std::optional<JpegPlanes> planes_;
  std::int32_t next_row_ = 0;
};

}  // namespace

Grid jpeg_chroma_grid(const Values& settings) {
  const std::string& name = settings.text("subsampling");
  return {static_cast<std::uint8_t>(name == "4:4:4" ? 0 : 1), static_cast<std::uint8_t>(name == "4:2:0" ? 1 : 0)};
}

Traits jpeg_encode_traits(const ImageInfo& info, const Values& settings) {
  check_storable(info);
  const int components = info.format.model == Model::gray ? 1 : 3;
  const auto width = static_cast<std::uint64_t>(info.width + 31) / 32 * 32;
  Traits traits;
  traits.info = info;
  traits.band_multiple = is_planar(info) ? 1 << info.grid[1].log2_y : 1;
  traits.private_bytes = kJpegFixedBytes + 3 * width * 32 * static_cast<std::uint64_t>(components);
  if (settings.boolean("progressive") || settings.boolean("optimize"))
    traits.private_bytes += jpeg_coefficient_bytes(info, components, chroma_log2(info, settings));
  return traits;
}

std::unique_ptr<Encoder> encode_jpeg(ByteSink& sink, const ImageInfo& info, const Metadata& metadata,
                                     const Values& settings) {
  return std::make_unique<JpegEncoder>(sink, info, metadata, settings);
}

}  // namespace tessera::stages
