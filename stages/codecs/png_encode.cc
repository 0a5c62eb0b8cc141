// Rows to PNG: gray or BGR, with or without alpha, 8 or 16 bit, not interlaced. The bytes depend on pixels, metadata,
// settings and the zlib in use, not on how the rows were handed over. IPTC has no place in PNG and is left out.
#include <bit>
#include <cassert>
#include <stdexcept>

#include "stages/codecs/metadata.h"
#include "stages/codecs/png.h"
#include "stages/codecs/png_io.h"

namespace tessera::stages {
namespace {

constexpr std::size_t kIdatBytes = 64 << 10;

void check_storable(const ImageInfo& info) {
  if (info.format.model == Model::ycbcr_planar || info.format.depth == Depth::f32)
    throw std::invalid_argument("PNG stores gray or RGB with 8 or 16 bits, not " + to_string(info.format));
  if (!info.full_size()) throw std::invalid_argument("PNG stores full-size pixels");
}

int color_type(const PixelFormat& format) {
  return (format.model == Model::bgr ? PNG_COLOR_MASK_COLOR : 0) | (format.alpha ? PNG_COLOR_MASK_ALPHA : 0);
}

int filter_of(const std::string& name) {
  if (name == "none") return PNG_FILTER_NONE;
  if (name == "sub") return PNG_FILTER_SUB;
  if (name == "up") return PNG_FILTER_UP;
  if (name == "average") return PNG_FILTER_AVG;
  if (name == "paeth") return PNG_FILTER_PAETH;
  return PNG_ALL_FILTERS;
}

class PngEncoder final : public Encoder {
 public:
  PngEncoder(ByteSink& sink, const ImageInfo& info, const Metadata& metadata, const Values& settings)
      : writer_(sink), info_(info) {
    check_storable(info);
    const int filter = filter_of(settings.text("filter")), compression = settings.integer("compression");
    writer_.run([&] {
      png_set_user_limits(writer_.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
      png_set_IHDR(writer_.png, writer_.info, static_cast<png_uint_32>(info_.width),
                   static_cast<png_uint_32>(info_.height), info_.format.sample_bytes() * 8, color_type(info_.format),
                   PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
      png_set_compression_level(writer_.png, compression);
      png_set_compression_buffer_size(writer_.png, kIdatBytes);
      png_set_filter(writer_.png, PNG_FILTER_TYPE_BASE, filter);
    });
    write_metadata(metadata);
    writer_.run([&] {
      png_write_info(writer_.png, writer_.info);
      png_set_bgr(writer_.png);
      if constexpr (std::endian::native == std::endian::little) png_set_swap(writer_.png);
    });
  }

  void write(const View& band) override {
    assert(band.format == info_.format && band.region.x0 == 0 && band.region.x1 == info_.width);
    assert(band.region.y0 == next_row_ && band.region.y1 <= info_.height);
    const auto& plane = band.plane();
    writer_.run([&] {
      for (std::int32_t y = 0; y < plane.height; ++y) png_write_row(writer_.png, plane.row<png_byte>(y));
    });
    next_row_ = band.region.y1;
  }

  void finish() override {
    assert(next_row_ == info_.height);
    writer_.run([&] { png_write_end(writer_.png, nullptr); });
  }

 private:
  void write_metadata(const Metadata& metadata) {
    const ReadBytes icc = find_block(metadata, "icc"), exif = find_block(metadata, "exif");
    const ReadBytes xmp = find_block(metadata, "xmp");
    // libpng reads the text as a C string; a packet with a zero inside is no XML.
    std::string packet(reinterpret_cast<const char*>(xmp.data()), xmp.size());
    if (packet.find('\0') != std::string::npos) packet.clear();
    const auto density = parse_density(find_block(metadata, "density"));
    std::string keyword = "XML:com.adobe.xmp", empty;
    writer_.run([&] {
      if (profile_fits(icc, info_.format.model))
        png_set_iCCP(writer_.png, writer_.info, "ICC profile", PNG_COMPRESSION_TYPE_BASE,
                     reinterpret_cast<png_const_bytep>(icc.data()), static_cast<png_uint_32>(icc.size()));
      if (!exif.empty())  // copied by libpng, whose interface forgot the const
        png_set_eXIf_1(writer_.png, writer_.info, static_cast<png_uint_32>(exif.size()),
                       const_cast<png_bytep>(reinterpret_cast<png_const_bytep>(exif.data())));
      if (density && density->x <= PNG_UINT_31_MAX && density->y <= PNG_UINT_31_MAX)
        png_set_pHYs(writer_.png, writer_.info, density->x, density->y,
                     density->unit == Density::Unit::per_metre ? PNG_RESOLUTION_METER : PNG_RESOLUTION_UNKNOWN);
      if (!packet.empty()) {
        png_text text{};
        text.compression = PNG_ITXT_COMPRESSION_NONE;
        text.key = keyword.data();
        text.text = packet.data();
        text.itxt_length = packet.size();
        text.lang = text.lang_key = empty.data();
        png_set_text(writer_.png, writer_.info, &text, 1);
      }
    });
  }

  PngWriter writer_;
  ImageInfo info_;
  std::int32_t next_row_ = 0;
};

}  // namespace

Traits png_encode_traits(const ImageInfo& info) {
  check_storable(info);
  Traits traits;
  traits.info = info;
  // libpng keeps the row, the one before, and one for each filter it tries.
  traits.private_bytes = kPngFixedBytes + 6 * static_cast<std::uint64_t>(info.width) *
                                              static_cast<std::uint64_t>(info.format.pixel_bytes());
  return traits;
}

std::unique_ptr<Encoder> encode_png(ByteSink& sink, const ImageInfo& info, const Metadata& metadata,
                                    const Values& settings) {
  return std::make_unique<PngEncoder>(sink, info, metadata, settings);
}

}  // namespace tessera::stages
