// Rows to TIFF: gray or RGB, with or without alpha, 8 or 16 bit, little-endian; strips or tiles; BigTIFF when the file
// could grow past 4 GiB. The bytes depend on pixels, metadata, settings and the libraries in use, not on how the rows
// were handed over. An uncompressed file begins with its directory, so that it is written front to back; a compressed
// one ends with it.
#include <tiffio.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "stages/codecs/byte_io.h"
#include "stages/codecs/tiff.h"
#include "stages/codecs/tiff_io.h"
#include "stages/codecs/tiff_samples.h"
#include "stages/codecs/tiff_tags.h"

namespace tessera::stages {
namespace {

constexpr std::int64_t kStripBytes = 512 << 10;   // large enough that a sink writes it as it is
constexpr std::uint64_t kDeflateBytes = 1 << 20;  // tables of the compressor
constexpr std::uint64_t kMaxClassicBytes = 0xFFFFFFFF;

struct Settings {
  std::uint16_t compression = COMPRESSION_NONE;
  bool predictor = false;
  std::int32_t tile = 0;
};

Settings read_settings(const Values& values) {
  Settings settings;
  const std::string& compression = values.text("compression");
  if (compression == "lzw") settings.compression = COMPRESSION_LZW;
  if (compression == "deflate") settings.compression = COMPRESSION_ADOBE_DEFLATE;
  if (compression == "packbits") settings.compression = COMPRESSION_PACKBITS;
  const bool can_predict = compression == "lzw" || compression == "deflate";
  settings.predictor = can_predict && values.text("predictor") == "horizontal";
  settings.tile = values.text("tile") == "none" ? 0 : std::stoi(values.text("tile"));
  return settings;
}

/// What a block is: a strip of the image's width, or a tile.
struct Blocks {
  std::int32_t width = 0, height = 0, across = 1, down = 1;
  std::int64_t row_bytes = 0;    // of a block
  std::int64_t image_bytes = 0;  // of all blocks, uncompressed
};

Blocks blocks_of(const ImageInfo& info, const Settings& settings) {
  Blocks b;
  b.width = settings.tile > 0 ? settings.tile : info.width;
  b.row_bytes = std::int64_t{b.width} * info.format.pixel_bytes();
  b.height = settings.tile > 0
                 ? settings.tile
                 : static_cast<std::int32_t>(std::clamp<std::int64_t>(kStripBytes / b.row_bytes, 1, info.height));
  b.across = (info.width - 1) / b.width + 1;
  b.down = (info.height - 1) / b.height + 1;
  const std::int64_t rows = settings.tile > 0 ? std::int64_t{b.down} * b.height : info.height;
  b.image_bytes = b.row_bytes * b.across * rows;
  return b;
}

/// Of a block, at most: LZW of noise grows by a half, deflate and PackBits by a byte in some hundred.
std::int64_t compressed_bytes(std::uint16_t compression, std::int64_t block) {
  return block + block / (compression == COMPRESSION_LZW ? 2 : 64) + 4096;
}

void check_storable(const ImageInfo& info) {
  if (info.format.model == Model::ycbcr_planar || info.format.depth == Depth::f32)
    throw std::invalid_argument("TIFF stores gray or RGB with 8 or 16 bits, not " + to_string(info.format));
  if (!info.full_size()) throw std::invalid_argument("TIFF stores full-size pixels");
}

class TiffEncoder final : public Encoder {
 public:
  TiffEncoder(ByteSink& sink, const ImageInfo& info, const Metadata& metadata, const Values& values)
      : sink_(sink), info_(info), settings_(read_settings(values)), blocks_(blocks_of(info, settings_)) {
    check_storable(info);
    add_tags(metadata);
    const auto count = static_cast<std::size_t>(blocks_.across) * static_cast<std::size_t>(blocks_.down);
    offsets_.reserve(count);
    sizes_.reserve(count);
    // LZW of noise grows by a half; metadata and the arrays of offsets come on top.
    const auto most = static_cast<std::uint64_t>(blocks_.image_bytes);
    std::uint64_t others = 16 * count + (1 << 20);
    for (const auto& block : metadata) others += block.second.size();
    big_tiff_ = most + (settings_.compression == COMPRESSION_NONE ? 0 : most / 2) + others > kMaxClassicBytes;
    if (settings_.compression == COMPRESSION_NONE)
      begin_plain(count);
    else
      begin_compressed();
    row_.resize(static_cast<std::size_t>(row_of_blocks_bytes()));
    if (blocks_.across > 1 || settings_.tile > 0) tile_.resize(static_cast<std::size_t>(block_bytes()));
  }

  void write(const View& band) override {
    assert(band.format == info_.format && band.region.x0 == 0 && band.region.x1 == info_.width);
    assert(band.region.y0 == next_row_ && band.region.y1 <= info_.height);
    while (next_row_ < band.region.y1) {
      const std::int32_t begin = next_row_ / blocks_.height * blocks_.height;
      const std::int32_t end = std::min(begin + blocks_.height, info_.height);
      const std::int32_t stop = std::min(end, band.region.y1);
      const auto stride = static_cast<std::size_t>(info_.width) * static_cast<std::size_t>(info_.format.pixel_bytes());
      pack_samples(sub_view(info_, band, {0, next_row_, info_.width, stop}),
                   row_.data() + stride * static_cast<std::size_t>(next_row_ - begin), stride);
      next_row_ = stop;
      if (stop == end) write_row_of_blocks(end - begin);
    }
  }

  void finish() override {
    assert(next_row_ == info_.height);
    if (settings_.compression == COMPRESSION_NONE) return;
    const TiffDirectoryBytes directory = directory_bytes(end_);
    sink_.write_at(end_, directory.bytes);
    sink_.write_at(0, tiff_header(directory.directory_at, big_tiff_));
  }

 private:
  std::int64_t block_bytes() const { return blocks_.row_bytes * blocks_.height; }
  std::int64_t row_of_blocks_bytes() const {
    return std::int64_t{info_.width} * info_.format.pixel_bytes() * blocks_.height;
  }

  void add_tags(const Metadata& metadata) {
    const PixelFormat& format = info_.format;
    const auto bits = static_cast<std::uint16_t>(format.sample_bytes() * 8);
    tags_.push_back(long_tag(TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(info_.width)));
    tags_.push_back(long_tag(TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(info_.height)));
    TiffTag depths = short_tag(TIFFTAG_BITSPERSAMPLE, {});
    for (int c = 0; c < format.channels(); ++c) {
      const TiffTag one = short_tag(TIFFTAG_BITSPERSAMPLE, {bits});
      depths.value.insert(depths.value.end(), one.value.begin(), one.value.end());
      ++depths.count;
    }
    tags_.push_back(std::move(depths));
    tags_.push_back(short_tag(TIFFTAG_COMPRESSION, {settings_.compression}));
    tags_.push_back(short_tag(TIFFTAG_PHOTOMETRIC,
                              {std::uint16_t(format.model == Model::gray ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB)}));
    tags_.push_back(short_tag(TIFFTAG_SAMPLESPERPIXEL, {static_cast<std::uint16_t>(format.channels())}));
    tags_.push_back(short_tag(TIFFTAG_PLANARCONFIG, {PLANARCONFIG_CONTIG}));
    if (format.alpha) tags_.push_back(short_tag(TIFFTAG_EXTRASAMPLES, {EXTRASAMPLE_UNASSALPHA}));
    if (settings_.predictor) tags_.push_back(short_tag(TIFFTAG_PREDICTOR, {PREDICTOR_HORIZONTAL}));
    if (settings_.tile > 0) {
      tags_.push_back(long_tag(TIFFTAG_TILEWIDTH, static_cast<std::uint32_t>(blocks_.width)));
      tags_.push_back(long_tag(TIFFTAG_TILELENGTH, static_cast<std::uint32_t>(blocks_.height)));
    } else {
      tags_.push_back(long_tag(TIFFTAG_ROWSPERSTRIP, static_cast<std::uint32_t>(blocks_.height)));
    }
    const ReadBytes icc = find_block(metadata, "icc"), xmp = find_block(metadata, "xmp");
    const ReadBytes iptc = find_block(metadata, "iptc"), exif = find_block(metadata, "exif");
    if (profile_fits(icc, format.model)) tags_.push_back(bytes_tag(TIFFTAG_ICCPROFILE, kTiffUndefined, icc));
    if (!xmp.empty()) tags_.push_back(bytes_tag(TIFFTAG_XMLPACKET, kTiffByte, xmp));
    if (!iptc.empty()) tags_.push_back(bytes_tag(TIFFTAG_RICHTIFFIPTC, kTiffUndefined, iptc));
    if (const auto density = parse_density(find_block(metadata, "density")))
      for (TiffTag& tag : density_tags(*density)) tags_.push_back(std::move(tag));
    MemorySource source(exif);
    if (exif.size() < 8) return;
    try {
      TiffStructure structure(source);
      exif_ = read_exif_tags(structure, structure.first_directory());
    } catch (const ImageError&) {
      // A block that is no TIFF structure says nothing that a file could hold.
    }
  }

  TiffDirectoryBytes directory_bytes(std::uint64_t at) const {
    std::vector<TiffTag> tags = tags_;
    const auto add_array = [&](std::uint16_t tag, const std::vector<std::uint64_t>& numbers) {
      const std::size_t bytes = big_tiff_ ? 8 : 4;
      TiffTag made{tag, big_tiff_ ? kTiffLong8 : std::uint16_t{kTiffLong}, numbers.size(), {}};
      made.value.reserve(numbers.size() * bytes);
      for (const std::uint64_t n : numbers)
        for (std::size_t i = 0; i < bytes; ++i) made.value.push_back(static_cast<std::byte>(n >> (8 * i)));
      tags.push_back(std::move(made));
    };
    add_array(settings_.tile > 0 ? TIFFTAG_TILEOFFSETS : TIFFTAG_STRIPOFFSETS, offsets_);
    add_array(settings_.tile > 0 ? TIFFTAG_TILEBYTECOUNTS : TIFFTAG_STRIPBYTECOUNTS, sizes_);
    return tiff_directory_bytes(std::move(tags), exif_, at, big_tiff_);
  }

  // All sizes are known, and so is where each block will lie.
  void begin_plain(std::size_t count) {
    offsets_.assign(count, 0);
    sizes_.assign(count, static_cast<std::uint64_t>(block_bytes()));
    const std::uint64_t header_bytes = big_tiff_ ? 16 : 8;
    const std::uint64_t begin = (header_bytes + directory_bytes(header_bytes).bytes.size() + 15) / 16 * 16;
    for (std::size_t i = 0; i < count; ++i) offsets_[i] = begin + i * static_cast<std::uint64_t>(block_bytes());
    if (settings_.tile == 0)
      sizes_.back() =
          static_cast<std::uint64_t>(blocks_.image_bytes) - (count - 1) * static_cast<std::uint64_t>(block_bytes());
    const TiffDirectoryBytes directory = directory_bytes(header_bytes);
    std::vector<std::byte> start = tiff_header(directory.directory_at, big_tiff_);
    start.insert(start.end(), directory.bytes.begin(), directory.bytes.end());
    start.resize(begin);
    sink_.write_at(0, start);
    end_ = begin;
  }

  void begin_compressed() {
    const std::vector<std::byte> placeholder = tiff_header(0, big_tiff_);
    sink_.write_at(0, placeholder);
    end_ = placeholder.size();
    compressor_.emplace(static_cast<std::size_t>(compressed_bytes(settings_.compression, block_bytes())));
    compressor_->run([&] {
      TIFF* const tif = compressor_->tif;
      const bool tiled = settings_.tile > 0;
      return TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, info_.width) &&
             TIFFSetField(tif, TIFFTAG_IMAGELENGTH, info_.height) &&
             TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, info_.format.sample_bytes() * 8) &&
             TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, info_.format.channels()) &&
             TIFFSetField(tif, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) &&
             TIFFSetField(tif, TIFFTAG_COMPRESSION, settings_.compression) &&
             (!settings_.predictor || TIFFSetField(tif, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL)) &&
             (tiled ? TIFFSetField(tif, TIFFTAG_TILEWIDTH, blocks_.width) &&
                          TIFFSetField(tif, TIFFTAG_TILELENGTH, blocks_.height)
                    : TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, blocks_.height));
    });
  }

  void write_row_of_blocks(std::int32_t rows) {
    if (settings_.tile == 0) return write_block(row_.data(), static_cast<std::size_t>(blocks_.row_bytes * rows));
    const std::size_t pixel = static_cast<std::size_t>(info_.format.pixel_bytes());
    const std::size_t stride = static_cast<std::size_t>(info_.width) * pixel;
    for (std::int32_t x = 0; x < blocks_.across; ++x) {
      const std::int32_t columns = std::min(blocks_.width, info_.width - x * blocks_.width);
      std::ranges::fill(tile_, std::byte{0});  // beyond the image's edges
      for (std::int32_t y = 0; y < rows; ++y)
        std::memcpy(tile_.data() + y * blocks_.row_bytes,
                    row_.data() + static_cast<std::size_t>(y) * stride +
                        static_cast<std::size_t>(x) * static_cast<std::size_t>(blocks_.row_bytes),
                    static_cast<std::size_t>(columns) * pixel);
      write_block(tile_.data(), tile_.size());
    }
  }

  void write_block(std::byte* pixels, std::size_t bytes) {
    ReadBytes stored(pixels, bytes);
    if (compressor_) {
      const auto index = static_cast<std::uint32_t>(offsets_.size());
      const auto count = static_cast<tmsize_t>(bytes);
      compressor_->run([&] {
        return (settings_.tile > 0 ? TIFFWriteEncodedTile(compressor_->tif, index, pixels, count)
                                   : TIFFWriteEncodedStrip(compressor_->tif, index, pixels, count)) == count;
      });
      stored = compressor_->take();
      offsets_.push_back(end_);
      sizes_.push_back(stored.size());
    }
    sink_.write_at(end_, stored);
    end_ += stored.size();
  }

  ByteSink& sink_;
  ImageInfo info_;
  Settings settings_;
  Blocks blocks_;
  bool big_tiff_ = false;
  std::vector<TiffTag> tags_;  // all but where the blocks lie
  ExifTags exif_;
  std::optional<TiffCompressor> compressor_;
  std::vector<std::uint64_t> offsets_, sizes_;
  std::vector<std::byte> row_, tile_;  // rows of the image as the file stores them, as many as a block has; one tile
  std::uint64_t end_ = 0;              // of what is written
  std::int32_t next_row_ = 0;
};

}  // namespace

Traits tiff_encode_traits(const ImageInfo& info, const Values& values) {
  check_storable(info);
  const Settings settings = read_settings(values);
  const Blocks b = blocks_of(info, settings);
  const std::int64_t block = b.row_bytes * b.height;
  const std::int64_t row = std::int64_t{info.width} * info.format.pixel_bytes() * b.height;
  const bool deflates = settings.compression == COMPRESSION_ADOBE_DEFLATE;
  // libtiff's buffer is a tenth larger than a block; its predictor works on a copy.
  const std::int64_t compressor =
      settings.compression == COMPRESSION_NONE
          ? 0
          : block + block / 10 + (settings.predictor ? block : 0) + compressed_bytes(settings.compression, block);
  Traits traits;
  traits.info = info;
  // Rows, a tile, its compressed form and libtiff's copies of it; offsets and sizes, here and in libtiff, and as bytes.
  traits.private_bytes = static_cast<std::uint64_t>(row + (settings.tile > 0 ? block : 0) + compressor +
                                                    64 * std::int64_t{b.across} * b.down) +
                         kTiffFixedBytes + (deflates ? kDeflateBytes : 0);
  return traits;
}

std::unique_ptr<Encoder> encode_tiff(ByteSink& sink, const ImageInfo& info, const Metadata& metadata,
                                     const Values& settings) {
  return std::make_unique<TiffEncoder>(sink, info, metadata, settings);
}

}  // namespace tessera::stages
