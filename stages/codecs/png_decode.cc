// PNG to rows: gray or BGR, alpha from the file or its transparent colour, 8 or 16 bit (1, 2 and 4 bit are scaled to 8;
// a palette becomes BGR). Samples are the file's: gAMA, cHRM, cICP and sBIT are not applied; a picture without iCCP
// counts as sRGB, as for every format here. Of an APNG the default image is decoded.
#include <bit>
#include <cstring>

#include "stages/codecs/bands.h"
#include "stages/codecs/metadata.h"
#include "stages/codecs/png.h"
#include "stages/codecs/png_chunks.h"
#include "stages/codecs/png_io.h"

namespace tessera::stages {
namespace {

PixelFormat format_of(const PngReader& reader) {
  const int color = png_get_color_type(reader.png, reader.info);
  return {(color & PNG_COLOR_MASK_COLOR) != 0 ? Model::bgr : Model::gray,
          png_get_bit_depth(reader.png, reader.info) == 16 ? Depth::u16 : Depth::u8,
          (color & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(reader.png, reader.info, PNG_INFO_tRNS) != 0};
}

bool is_interlaced(const PngReader& reader) {
  return png_get_interlace_type(reader.png, reader.info) != PNG_INTERLACE_NONE;
}

ReadBytes profile_of(const PngReader& reader, Model model) {
  png_charp name = nullptr;
  png_bytep data = nullptr;
  png_uint_32 bytes = 0;
  int method = 0;
  if (!png_get_iCCP(reader.png, reader.info, &name, &method, &data, &bytes)) return {};
  const ReadBytes icc = std::as_bytes(std::span<const png_byte>(data, bytes));
  return profile_fits(icc, model) ? icc : ReadBytes{};
}

struct PngMetadata {
  Metadata blocks;
  std::uint8_t orientation = 1;
};

PngMetadata read_metadata(ByteSource& source, const PngReader& reader) {
  const PngChunks chunks = find_png_chunks(source);
  ReadBytes exif(chunks.exif);
  if (exif.size() > 6 && std::memcmp(exif.data(), "Exif\0\0", 6) == 0) exif = exif.subspan(6);  // against the standard
  PngMetadata found;
  found.orientation = exif_orientation(exif);
  add_block(found.blocks, "exif", cleaned_exif(exif));
  add_block(found.blocks, "icc", profile_of(reader, format_of(reader).model));
  add_block(found.blocks, "xmp", chunks.xmp);
  png_uint_32 x = 0, y = 0;
  int unit = PNG_RESOLUTION_UNKNOWN;
  if (png_get_pHYs(reader.png, reader.info, &x, &y, &unit) && x > 0 && y > 0)
    add_block(
        found.blocks, "density",
        density_block({x, y, unit == PNG_RESOLUTION_METER ? Density::Unit::per_metre : Density::Unit::aspect_only}));
  return found;
}

Header header_of(const PngReader& reader, const PngMetadata& metadata) {
  Header header;
  header.full.width = static_cast<std::int32_t>(png_get_image_width(reader.png, reader.info));
  header.full.height = static_cast<std::int32_t>(png_get_image_height(reader.png, reader.info));
  header.full.format = format_of(reader);
  header.full.profile_id = profile_id(find_block(metadata.blocks, "icc"));
  header.orientation = metadata.orientation;
  header.progressive = is_interlaced(reader);
  header.metadata_bytes = total_bytes(metadata.blocks);
  return header;
}

class PngDecoder final : public Decoder {
 public:
  PngDecoder(ByteSource& source, const DecodeRequest& request) : reader_(source, request.fail_on), request_(request) {
    reader_.read_header();
    PngMetadata metadata = read_metadata(source, reader_);
    info_ = png_decode_traits(header_of(reader_, metadata), request).info;
    metadata_ = std::move(metadata.blocks);
    row_bytes_ = static_cast<std::size_t>(info_.width) * static_cast<std::size_t>(info_.format.pixel_bytes());
  }

  void read(const MutableView& out) override {
    check_band(info_, next_row_, out);
    start();
    const auto& plane = out.plane();
    for (std::int32_t y = 0; y < plane.height; ++y, ++next_row_) {
      if (is_interlaced_)
        std::memcpy(plane.row<png_byte>(y), whole_.data() + row_bytes_ * static_cast<std::size_t>(next_row_),
                    row_bytes_);
      else
        read_row(plane.row<png_byte>(y));
    }
  }

  void finish() override {
    start();
    std::vector<png_byte> unwanted(is_interlaced_ ? 0 : row_bytes_);
    for (; !is_interlaced_ && next_row_ < info_.height; ++next_row_) read_row(unwanted.data());
    tolerate([&] { reader_.run([&] { png_read_end(reader_.png, nullptr); }); });
  }

  Metadata metadata() override { return metadata_; }

 private:
  // With fail-on none, an error ends the picture: what libpng cannot read any more stays zero.
  template <class Work>
  void tolerate(const Work& work) {
    if (broken_) return;
    try {
      work();
    } catch (const ImageError&) {
      if (request_.fail_on != FailOn::none) throw;
      broken_ = true;
    }
  }

  void start() {
    if (started_) return;
    started_ = true;
    is_interlaced_ = is_interlaced(reader_);
    reader_.run([&] {
      png_set_expand(reader_.png);  // palette to RGB, 1..4 bit to 8, tRNS to alpha
      png_set_bgr(reader_.png);
      if constexpr (std::endian::native == std::endian::little) png_set_swap(reader_.png);
      png_set_interlace_handling(reader_.png);
      png_read_update_info(reader_.png, reader_.info);
    });
    if (png_get_rowbytes(reader_.png, reader_.info) != row_bytes_)
      throw ImageError("PNG: its rows are not as long as its header says");
    if (is_interlaced_) read_interlaced();
  }

  void read_row(png_bytep to) {
    tolerate([&] {
      reader_.run([&] { png_read_row(reader_.png, to, nullptr); });
      ++reader_.rows_done;
    });
    if (broken_) std::memset(to, 0, row_bytes_);
  }

  void read_interlaced() {
    whole_.resize(row_bytes_ * static_cast<std::size_t>(info_.height));
    // Of a broken file, "display" fills each pass's blocks, so that the coarse picture has no holes.
    const bool display = request_.fail_on == FailOn::none;
    tolerate([&] {
      reader_.run([&] {
        for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; ++pass)
          for (std::int32_t y = 0; y < info_.height; ++y) {
            png_bytep row = whole_.data() + row_bytes_ * static_cast<std::size_t>(y);
            png_read_row(reader_.png, display ? nullptr : row, display ? row : nullptr);
            if (pass == PNG_INTERLACE_ADAM7_PASSES - 1) ++reader_.rows_done;
          }
      });
    });
  }

  PngReader reader_;
  DecodeRequest request_;
  Metadata metadata_;
  ImageInfo info_;
  std::size_t row_bytes_ = 0;
  std::int32_t next_row_ = 0;
  bool started_ = false, is_interlaced_ = false, broken_ = false;
  std::vector<png_byte> whole_;  // interlaced files only
};

}  // namespace

Header probe_png(ByteSource& source) {
  PngReader reader(source, FailOn::truncated);
  reader.read_header();
  return header_of(reader, read_metadata(source, reader));
}

Traits png_decode_traits(const Header& header, const DecodeRequest& request) {
  if (request.page >= header.pages) throw ImageError("a PNG file has one page");
  if (request.scale_log2 > 0) throw std::invalid_argument("a PNG cannot be shrunk while it is decoded");
  if (request.planar) throw std::invalid_argument("a PNG cannot be decoded to planes");
  Traits traits;
  traits.info = header.full;
  const std::uint64_t row =
      static_cast<std::uint64_t>(header.full.width) * static_cast<std::uint64_t>(header.full.format.pixel_bytes());
  traits.private_bytes = kPngFixedBytes + 4 * row + 3ull * header.metadata_bytes +
                         (header.progressive ? row * static_cast<std::uint64_t>(header.full.height) : 0);
  return traits;
}

std::unique_ptr<Decoder> decode_png(ByteSource& source, const DecodeRequest& request) {
  return std::make_unique<PngDecoder>(source, request);
}

}  // namespace tessera::stages
