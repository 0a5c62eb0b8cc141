#include "stages/codecs/tiff_layout.h"

#include <fmt/format.h>

#include <algorithm>

namespace tessera::stages {
namespace {

struct Tags {
  std::uint32_t width = 0, height = 0;
  std::uint16_t bits = 1, samples = 1, format = SAMPLEFORMAT_UINT, planar = PLANARCONFIG_CONTIG;
  std::uint16_t photometric = PHOTOMETRIC_MINISBLACK, compression = COMPRESSION_NONE, fill_order = FILLORDER_MSB2LSB;
  std::uint16_t extras = 0;
  std::uint16_t* extra_kinds = nullptr;
};

Tags read_tags(TIFF* tif) {
  Tags tags;
  TIFFGetField(tif, TIFFTAG_IMAGEWIDTH, &tags.width);
  TIFFGetField(tif, TIFFTAG_IMAGELENGTH, &tags.height);
  TIFFGetFieldDefaulted(tif, TIFFTAG_BITSPERSAMPLE, &tags.bits);
  TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLESPERPIXEL, &tags.samples);
  TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLEFORMAT, &tags.format);
  TIFFGetFieldDefaulted(tif, TIFFTAG_PLANARCONFIG, &tags.planar);
  TIFFGetFieldDefaulted(tif, TIFFTAG_COMPRESSION, &tags.compression);
  TIFFGetFieldDefaulted(tif, TIFFTAG_FILLORDER, &tags.fill_order);
  TIFFGetFieldDefaulted(tif, TIFFTAG_EXTRASAMPLES, &tags.extras, &tags.extra_kinds);
  if (!TIFFGetField(tif, TIFFTAG_PHOTOMETRIC, &tags.photometric))
    tags.photometric = tags.samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
  return tags;
}

constexpr std::int64_t kMaxBlockBytes = 256 << 20;  // decoded

// The most bytes that one byte of a compressed block can become; 0 for a compression that is not decoded.
int expansion(std::uint16_t compression) {
  switch (compression) {
    case COMPRESSION_NONE:  // a file cut short has rows that can be saved
    case COMPRESSION_PACKBITS:
      return 64;
    case COMPRESSION_LZW:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_ADOBE_DEFLATE:
      return 2800;
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
      return 1 << 14;  // a blank row in a bit
    default:
      return 0;
  }
}

std::string compression_name(std::uint16_t compression) {
  const TIFFCodec* const codec = TIFFFindCODEC(compression);
  return codec ? codec->name : fmt::format("scheme {}", compression);
}

std::string_view photometric_name(std::uint16_t photometric) {
  switch (photometric) {
    case PHOTOMETRIC_SEPARATED:
      return "CMYK";
    case PHOTOMETRIC_YCBCR:
      return "YCbCr";
    case PHOTOMETRIC_CIELAB:
    case PHOTOMETRIC_ICCLAB:
    case PHOTOMETRIC_ITULAB:
      return "L*a*b*";
    case PHOTOMETRIC_LOGL:
    case PHOTOMETRIC_LOGLUV:
      return "LogLuv";
    default:
      return "unusual";
  }
}

void check_supported(const Tags& tags) {
  if (tags.width == 0 || tags.height == 0) throw ImageError("TIFF: its width or height is missing or zero");
  if (tags.width > kMaxSide || tags.height > kMaxSide)
    throw ImageError(fmt::format("TIFF: {} x {} pixels are more than any picture has", tags.width, tags.height));
  if (tags.compression != COMPRESSION_NONE &&
      (expansion(tags.compression) == 0 || !TIFFIsCODECConfigured(tags.compression)))
    throw ImageError(
        fmt::format("TIFF: compressed as {}, which is not decoded (uncompressed, LZW, deflate, PackBits "
                    "and fax are)",
                    compression_name(tags.compression)));
  const bool known = tags.photometric <= PHOTOMETRIC_PALETTE;
  if (!known)
    throw ImageError(fmt::format("TIFF: {} pixels are not decoded (gray, RGB and palettes are)",
                                 photometric_name(tags.photometric)));
  const bool whole = tags.format == SAMPLEFORMAT_UINT || tags.format == SAMPLEFORMAT_VOID;
  if (!whole) throw ImageError("TIFF: only unsigned whole numbers are decoded, not floating-point or signed samples");
  const bool small = tags.bits == 1 || tags.bits == 2 || tags.bits == 4;
  if (tags.bits != 8 && tags.bits != 16 && !small)
    throw ImageError(fmt::format("TIFF: {} bits a sample are not decoded (1, 2, 4, 8 and 16 are)", tags.bits));
  const int colors = tags.photometric == PHOTOMETRIC_RGB ? 3 : 1;
  if (tags.samples < colors || tags.samples > 64)
    throw ImageError(fmt::format("TIFF: {} samples a pixel do not fit its kind of colour", tags.samples));
  if (small && (tags.samples != 1 || colors != 1))
    throw ImageError(fmt::format("TIFF: {} samples of {} bits are not decoded", tags.samples, tags.bits));
  if (tags.photometric == PHOTOMETRIC_PALETTE && (tags.bits > 8 || tags.samples != 1))
    throw ImageError("TIFF: a palette of more than 256 colours, or with further samples, is not decoded");
}

std::vector<std::array<std::uint8_t, 3>> read_palette(TIFF* tif, int bits) {
  std::uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
  if (!TIFFGetField(tif, TIFFTAG_COLORMAP, &red, &green, &blue)) throw ImageError("TIFF: its palette is missing");
  const std::size_t colors = std::size_t{1} << bits;
  // Some writers fill in 8 bits where the standard says 16.
  const auto is_wide = [&](const std::uint16_t* map) {
    return std::any_of(map, map + colors, [](auto v) { return v > 255; });
  };
  const int shift = is_wide(red) || is_wide(green) || is_wide(blue) ? 8 : 0;
  std::vector<std::array<std::uint8_t, 3>> palette(colors);
  for (std::size_t i = 0; i < colors; ++i)
    palette[i] = {static_cast<std::uint8_t>(blue[i] >> shift), static_cast<std::uint8_t>(green[i] >> shift),
                  static_cast<std::uint8_t>(red[i] >> shift)};
  return palette;
}

void read_blocks(TIFF* tif, const Tags& tags, std::uint64_t file_bytes, TiffLayout& layout) {
  std::uint32_t width = tags.width, height = 0;
  layout.tiled = TIFFIsTiled(tif) != 0;
  if (layout.tiled) {
    width = 0;
    TIFFGetField(tif, TIFFTAG_TILEWIDTH, &width);
    TIFFGetField(tif, TIFFTAG_TILELENGTH, &height);
  } else {
    TIFFGetFieldDefaulted(tif, TIFFTAG_ROWSPERSTRIP, &height);
    height = std::min(height, tags.height);
  }
  if (width == 0 || height == 0 || width > kMaxSide || height > kMaxSide)
    throw ImageError(fmt::format("TIFF: tiles of {} x {} pixels are impossible", width, height));
  layout.block_width = static_cast<std::int32_t>(width);
  layout.block_height = static_cast<std::int32_t>(height);
  const std::uint64_t blocks =
      std::uint64_t(layout.blocks_x()) * std::uint64_t(layout.blocks_y()) * std::uint64_t(layout.planes());
  const std::uint32_t known = layout.tiled ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);
  if (blocks != known || blocks > file_bytes)
    throw ImageError(fmt::format("TIFF: a file of {} bytes cannot hold {} {}", file_bytes, blocks,
                                 layout.tiled ? "tiles" : "strips"));
  // Tiles may be far larger than the image: they, not the image, are what is allocated.
  const double decoded_bytes = static_cast<double>(layout.block_bytes()) * static_cast<double>(blocks);
  if (decoded_bytes / expansion(tags.compression) > static_cast<double>(file_bytes))
    throw ImageError(fmt::format("TIFF: a file of {} bytes cannot hold {} x {} pixels in {} {} of {} x {}", file_bytes,
                                 tags.width, tags.height, blocks, layout.tiled ? "tiles" : "strips", width, height));
  if (!layout.direct && (layout.tiled || layout.separate) && layout.block_bytes() > kMaxBlockBytes)
    throw ImageError(fmt::format("TIFF: {} of {} x {} pixels take more than {} MiB", layout.tiled ? "tiles" : "strips",
                                 width, height, kMaxBlockBytes >> 20));
  for (std::uint32_t i = 0; i < known; ++i)
    layout.compressed_bytes = std::max(layout.compressed_bytes,
                                       static_cast<std::int64_t>(std::min(TIFFGetStrileByteCount(tif, i), file_bytes)));
}

}  // namespace

Region TiffLayout::block(std::int32_t x, std::int32_t y) const {
  const auto end = [](std::int64_t last, std::int32_t limit) {
    return static_cast<std::int32_t>(std::min<std::int64_t>(last, limit));
  };
  return {x * block_width, y * block_height, end(std::int64_t{x} * block_width + block_width, info.width),
          end(std::int64_t{y} * block_height + block_height, info.height)};
}

TiffLayout tiff_layout(TiffReader& reader, std::uint64_t file_bytes) {
  const Tags tags = read_tags(reader.tif);
  check_supported(tags);
  TiffLayout layout;
  layout.info.width = static_cast<std::int32_t>(tags.width);
  layout.info.height = static_cast<std::int32_t>(tags.height);
  layout.bits = tags.bits;
  layout.samples = tags.samples;
  layout.separate = tags.planar == PLANARCONFIG_SEPARATE && tags.samples > 1;
  layout.inverted = tags.photometric == PHOTOMETRIC_MINISWHITE;
  if (tags.photometric == PHOTOMETRIC_PALETTE) layout.palette = read_palette(reader.tif, tags.bits);
  const int colors = tags.photometric == PHOTOMETRIC_RGB ? 3 : 1;
  for (int i = 0; i < tags.extras && layout.alpha_sample < 0; ++i) {
    const bool associated = tags.extra_kinds[i] == EXTRASAMPLE_ASSOCALPHA;
    if (!associated && tags.extra_kinds[i] != EXTRASAMPLE_UNASSALPHA) continue;
    layout.alpha_sample = std::max(colors, tags.samples - tags.extras + i);
    layout.associated_alpha = associated;
  }
  if (layout.alpha_sample >= tags.samples) {
    layout.alpha_sample = -1;
    layout.associated_alpha = false;
  }
  const bool color = colors == 3 || !layout.palette.empty();
  layout.info.format = {color ? Model::bgr : Model::gray, tags.bits == 16 ? Depth::u16 : Depth::u8,
                        layout.alpha_sample >= 0};
  layout.direct = tags.compression == COMPRESSION_NONE && tags.bits >= 8 && tags.fill_order == FILLORDER_MSB2LSB;
  layout.fax = tags.compression == COMPRESSION_CCITTRLE || tags.compression == COMPRESSION_CCITTFAX3 ||
               tags.compression == COMPRESSION_CCITTFAX4;
  layout.swapped = layout.direct && tags.bits == 16 && TIFFIsByteSwapped(reader.tif) != 0;
  read_blocks(reader.tif, tags, file_bytes, layout);
  return layout;
}

}  // namespace tessera::stages
