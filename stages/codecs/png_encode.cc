// Rows to PNG: gray or BGR, with or without alpha, 8 or 16 bit, not interlaced. The bytes depend on pixels, metadata,
// settings and the libraries in use, not on how the rows were handed over. IPTC has no place in PNG and is left out.
//
// Pictures up to kWholeBytes are filtered here, kept, and compressed by libdeflate in one go, several times as fast as
// zlib at files a few per cent larger. Larger ones stream through zlib.
#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <memory>
#include <new>
#include <stdexcept>

#include "stages/codecs/metadata.h"
#include "stages/codecs/png.h"
#include "stages/codecs/png_io.h"
#include "stages/codecs/png_rows.h"

namespace tessera::stages {
namespace {

constexpr std::size_t kIdatBytes = 64 << 10;
// Filtered bytes that are kept until the end; chosen by the picture's size alone. About eleven megapixels of RGB.
constexpr std::uint64_t kWholeBytes = 32 << 20;
// Tables of one compressor, levels 1 to 9.
constexpr std::uint64_t kDeflateBytes = 1 << 20;
// libdeflate's level for each of zlib's: beyond 4 a photo takes half as long again for a per cent or two.
constexpr std::array<int, 10> kDeflateLevels{0, 1, 2, 3, 3, 4, 4, 6, 8, 9};

void check_storable(const ImageInfo& info) {
  if (info.format.model == Model::ycbcr_planar || info.format.depth == Depth::f32)
    throw std::invalid_argument("PNG stores gray or RGB with 8 or 16 bits, not " + to_string(info.format));
  if (!info.full_size()) throw std::invalid_argument("PNG stores full-size pixels");
}

int color_type(const PixelFormat& format) {
  return (format.model == Model::bgr ? PNG_COLOR_MASK_COLOR : 0) | (format.alpha ? PNG_COLOR_MASK_ALPHA : 0);
}

PngFilter filter_of(const std::string& name) {
  if (name == "none") return PngFilter::none;
  if (name == "sub") return PngFilter::sub;
  if (name == "up") return PngFilter::up;
  if (name == "average") return PngFilter::average;
  if (name == "paeth") return PngFilter::paeth;
  return PngFilter::adaptive;
}

int libpng_filter(PngFilter filter) {
  constexpr std::array<int, 6> filters{PNG_FILTER_NONE, PNG_FILTER_SUB,   PNG_FILTER_UP,
                                       PNG_FILTER_AVG,  PNG_FILTER_PAETH, PNG_ALL_FILTERS};
  return filters.at(static_cast<std::size_t>(filter));
}

std::uint64_t filtered_bytes(const ImageInfo& info) {
  return static_cast<std::uint64_t>(info.height) *
         (1 + static_cast<std::uint64_t>(info.width) * static_cast<std::uint64_t>(info.format.pixel_bytes()));
}

// Everything between the header chunks and the end: filtered rows, compressed when all are there.
class WholePicture {
 public:
  WholePicture(const ImageInfo& info, PngFilter filter, int compression)
      : filter_(info, filter),
        compressor_(libdeflate_alloc_compressor(kDeflateLevels.at(static_cast<std::size_t>(compression)))),
        rows_(filtered_bytes(info)) {
    if (!compressor_) throw std::bad_alloc();
  }

  void add(const View& band) {
    const auto& plane = band.plane();
    for (std::int32_t y = 0; y < plane.height; ++y, filled_ += filter_.bytes())
      filter_.next(plane.row<std::byte>(y), rows_.get(filled_));
  }

  /// Valid as long as this.
  ReadBytes compressed() {
    assert(filled_ == rows_.size);
    compressed_ = Buffer(libdeflate_zlib_compress_bound(compressor_.get(), rows_.size));
    const std::size_t bytes = libdeflate_zlib_compress(compressor_.get(), rows_.memory.get(), rows_.size,
                                                       compressed_.memory.get(), compressed_.size);
    assert(bytes > 0);
    return {compressed_.memory.get(), bytes};
  }

 private:
  struct Buffer {  // not cleared: every byte of it is written before it is read
    Buffer() = default;
    explicit Buffer(std::size_t bytes) : memory(std::make_unique_for_overwrite<std::byte[]>(bytes)), size(bytes) {}
    std::byte* get(std::size_t offset) const { return memory.get() + offset; }
    std::unique_ptr<std::byte[]> memory;
    std::size_t size = 0;
  };
  struct FreeCompressor {
    void operator()(libdeflate_compressor* c) const { libdeflate_free_compressor(c); }
  };
  PngRowFilter filter_;
  std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor_;
  Buffer rows_, compressed_;
  std::size_t filled_ = 0;
};

class PngEncoder final : public Encoder {
 public:
  PngEncoder(ByteSink& sink, const ImageInfo& info, const Metadata& metadata, const Values& settings)
      : writer_(sink), info_(info) {
    check_storable(info);
    const PngFilter filter = filter_of(settings.text("filter"));
    const int compression = settings.integer("compression");
    if (filtered_bytes(info) <= kWholeBytes) whole_ = std::make_unique<WholePicture>(info, filter, compression);
    writer_.run([&] {
      png_set_user_limits(writer_.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
      png_set_IHDR(writer_.png, writer_.info, static_cast<png_uint_32>(info_.width),
                   static_cast<png_uint_32>(info_.height), info_.format.sample_bytes() * 8, color_type(info_.format),
                   PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
      png_set_compression_level(writer_.png, compression);
      png_set_compression_buffer_size(writer_.png, kIdatBytes);
      png_set_filter(writer_.png, PNG_FILTER_TYPE_BASE, libpng_filter(filter));
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
    next_row_ = band.region.y1;
    if (whole_) return whole_->add(band);
    const auto& plane = band.plane();
    writer_.run([&] {
      for (std::int32_t y = 0; y < plane.height; ++y) png_write_row(writer_.png, plane.row<png_byte>(y));
    });
  }

  void finish() override {
    assert(next_row_ == info_.height);
    if (!whole_) return writer_.run([&] { png_write_end(writer_.png, nullptr); });
    const ReadBytes data = whole_->compressed();
    writer_.run([&] {
      const auto* bytes = reinterpret_cast<png_const_bytep>(data.data());
      for (std::size_t at = 0; at < data.size(); at += kIdatBytes)
        chunk("IDAT", bytes + at, std::min(kIdatBytes, data.size() - at));
      chunk("IEND", nullptr, 0);  // libpng's own end insists on having written the rows itself
    });
  }

 private:
  void chunk(const char* name, png_const_bytep data, std::size_t bytes) {
    png_write_chunk(writer_.png, reinterpret_cast<png_const_bytep>(name), data, bytes);
  }

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
  std::unique_ptr<WholePicture> whole_;  // null: rows stream through libpng
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
  if (const std::uint64_t bytes = filtered_bytes(info); bytes <= kWholeBytes)
    traits.private_bytes += kDeflateBytes + bytes + libdeflate_zlib_compress_bound(nullptr, bytes);
  return traits;
}

std::unique_ptr<Encoder> encode_png(ByteSink& sink, const ImageInfo& info, const Metadata& metadata,
                                    const Values& settings) {
  return std::make_unique<PngEncoder>(sink, info, metadata, settings);
}

}  // namespace tessera::stages
