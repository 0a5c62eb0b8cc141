#include "tests/stages/codecs/plain_tiff.h"

#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <memory>

namespace tessera::tests {
using namespace stages;
namespace {

struct Memory {
  Bytes bytes;
  std::size_t at = 0;
};
Memory& memory_of(thandle_t handle) { return *static_cast<Memory*>(handle); }

tmsize_t read_memory(thandle_t handle, void* to, tmsize_t count) {
  Memory& m = memory_of(handle);
  const std::size_t n = m.at < m.bytes.size() ? std::min(static_cast<std::size_t>(count), m.bytes.size() - m.at) : 0;
  if (n > 0) std::memcpy(to, m.bytes.data() + m.at, n);
  m.at += n;
  return static_cast<tmsize_t>(n);
}
tmsize_t write_memory(thandle_t handle, void* from, tmsize_t count) {
  Memory& m = memory_of(handle);
  m.bytes.resize(std::max(m.bytes.size(), m.at + static_cast<std::size_t>(count)));
  std::memcpy(m.bytes.data() + m.at, from, static_cast<std::size_t>(count));
  m.at += static_cast<std::size_t>(count);
  return count;
}
toff_t seek_memory(thandle_t handle, toff_t offset, int from) {
  Memory& m = memory_of(handle);
  return m.at = (from == SEEK_SET ? 0 : from == SEEK_CUR ? m.at : m.bytes.size()) + offset;
}
TIFF* open_memory(Memory& memory, const char* mode) {
  TIFF* const tif = TIFFClientOpen(
      "test", mode, &memory, read_memory, write_memory, seek_memory, [](thandle_t) { return 0; },
      [](thandle_t handle) { return toff_t{memory_of(handle).bytes.size()}; }, nullptr, nullptr);
  REQUIRE(tif);
  return tif;
}

unsigned most(const PlainTiff& spec) { return (1u << std::min(spec.bits, 16)) - 1; }

// The sample as the file holds it. Noise with runs, so that every compression has something to do.
unsigned stored(const PlainTiff& spec, int x, int y, int channel) {
  const unsigned noise = (static_cast<unsigned>(x / 3) * 2654435761u ^ static_cast<unsigned>(y) * 40503u ^
                          static_cast<unsigned>(channel) * 97u) >>
                         3;
  const unsigned value = (spec.bits == 16 ? noise : noise >> 2) & most(spec);
  const bool color = channel < spec.samples - 1;
  if (spec.alpha == 1 && color) return std::min(value, stored(spec, x, y, spec.samples - 1));
  return value;
}

unsigned palette_level(unsigned index, int channel) {
  return (index * 37 + static_cast<unsigned>(channel) * 71 + 5) % 256;
}

// Row of a block: samples [first, last) of columns x0.., zero outside the picture.
void fill_row(const PlainTiff& spec, int x0, int columns, int y, int first, int last, std::byte* to) {
  std::fill_n(to, (columns * (last - first) * spec.bits + 7) / 8, std::byte{0});
  int bit = 0;
  for (int x = x0; x < x0 + columns; ++x)
    for (int c = first; c < last; ++c, bit += spec.bits) {
      const unsigned v = x < spec.width && y < spec.height ? stored(spec, x, y, c) : 0;
      if (spec.bits == 16) {
        const auto wide = static_cast<std::uint16_t>(v);
        std::memcpy(to + bit / 8, &wide, 2);
      } else if (spec.bits <= 8) {
        to[bit / 8] |= static_cast<std::byte>(v << (8 - spec.bits - bit % 8));
      }
    }
}

void set_tags(TIFF* tif, const PlainTiff& spec) {
  TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, spec.width);
  TIFFSetField(tif, TIFFTAG_IMAGELENGTH, spec.height);
  TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, spec.bits);
  TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, spec.samples);
  TIFFSetField(tif, TIFFTAG_PHOTOMETRIC, spec.photometric);
  TIFFSetField(tif, TIFFTAG_COMPRESSION, spec.compression);
  TIFFSetField(tif, TIFFTAG_ORIENTATION, spec.orientation);
  TIFFSetField(tif, TIFFTAG_PLANARCONFIG, spec.separate ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  if (spec.predictor) TIFFSetField(tif, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
  if (spec.alpha > 0) {
    const std::uint16_t kind = spec.alpha == 1 ? EXTRASAMPLE_ASSOCALPHA : EXTRASAMPLE_UNASSALPHA;
    TIFFSetField(tif, TIFFTAG_EXTRASAMPLES, 1, &kind);
  }
  if (spec.photometric == PHOTOMETRIC_PALETTE) {
    std::vector<std::uint16_t> maps[3];
    for (int c = 0; c < 3; ++c)
      for (unsigned i = 0; i < 1u << spec.bits; ++i)
        maps[c].push_back(static_cast<std::uint16_t>(palette_level(i, c) * 257));
    TIFFSetField(tif, TIFFTAG_COLORMAP, maps[0].data(), maps[1].data(), maps[2].data());
  }
  if (spec.tile > 0) {
    TIFFSetField(tif, TIFFTAG_TILEWIDTH, spec.tile);
    TIFFSetField(tif, TIFFTAG_TILELENGTH, spec.tile);
  } else {
    TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, spec.rows_per_strip);
  }
}

void write_blocks(TIFF* tif, const PlainTiff& spec) {
  const int width = spec.tile > 0 ? spec.tile : spec.width, height = spec.tile > 0 ? spec.tile : spec.rows_per_strip;
  std::uint32_t index = 0;
  for (int plane = 0; plane < (spec.separate ? spec.samples : 1); ++plane)
    for (int y0 = 0; y0 < spec.height; y0 += height)
      for (int x0 = 0; x0 < spec.width; x0 += width, ++index) {
        const int first = spec.separate ? plane : 0, last = spec.separate ? plane + 1 : spec.samples;
        const int rows = spec.tile > 0 ? height : std::min(height, spec.height - y0);
        const auto row_bytes = static_cast<std::size_t>((width * (last - first) * spec.bits + 7) / 8);
        Bytes block(row_bytes * static_cast<std::size_t>(rows));
        for (int y = 0; y < rows; ++y)
          fill_row(spec, x0, width, y0 + y, first, last, block.data() + row_bytes * static_cast<std::size_t>(y));
        const auto bytes = static_cast<tmsize_t>(block.size());
        // What libtiff cannot compress is only looked at by tests of headers.
        const bool raw = spec.compression == COMPRESSION_JPEG || spec.compression == COMPRESSION_ZSTD || spec.bits > 16;
        const tmsize_t done = raw             ? TIFFWriteRawStrip(tif, index, block.data(), bytes)
                              : spec.tile > 0 ? TIFFWriteEncodedTile(tif, index, block.data(), bytes)
                                              : TIFFWriteEncodedStrip(tif, index, block.data(), bytes);
        REQUIRE(done == bytes);
      }
}

}  // namespace

std::string PlainTiff::name() const {
  return fmt::format(
      "photometric {} bits {} samples {} compression {} tile {} predictor {} separate {} MM {} big {} "
      "alpha {} rows {}",
      photometric, bits, samples, compression, tile, predictor, separate, big_endian, big_tiff, alpha, rows_per_strip);
}

Bytes plain_tiff_pages(const std::vector<PlainTiff>& pages) {
  Memory memory;
  const std::string mode =
      std::string("w") + (pages.front().big_endian ? "b" : "l") + (pages.front().big_tiff ? "8" : "");
  TIFF* const tif = open_memory(memory, mode.c_str());
  for (const PlainTiff& spec : pages) {
    set_tags(tif, spec);
    write_blocks(tif, spec);
    REQUIRE(TIFFWriteDirectory(tif) == 1);
  }
  TIFFClose(tif);
  return memory.bytes;
}

Bytes plain_tiff(const PlainTiff& spec) { return plain_tiff_pages({spec}); }

std::vector<PlainTiff> plain_tiff_kinds(int width, int height) {
  std::vector<PlainTiff> shapes;
  for (const int tile : {0, 16, 32})
    for (const int rows : tile > 0 ? std::vector{1} : std::vector{1, 10, 1000})
      shapes.push_back({.width = width, .height = height, .tile = tile, .rows_per_strip = std::min(rows, height)});
  std::vector<PlainTiff> kinds;
  for (const PlainTiff& shape : shapes)
    for (const int compression : {1, 5, 8, 32773})
      for (const bool predictor : {false, true})
        for (const bool big_endian : {false, true}) {
          if (predictor && compression != 5 && compression != 8) continue;
          PlainTiff spec = shape;
          spec.compression = compression, spec.predictor = predictor;
          spec.big_endian = big_endian, spec.big_tiff = big_endian != predictor;
          for (const int bits : {8, 16})
            for (const int samples : {1, 2, 3, 4})
              for (const bool separate : {false, true})
                for (const int alpha : {1, 2}) {
                  if (separate && samples == 1) continue;
                  if (samples % 2 == 1 && alpha == 2) continue;
                  spec.bits = bits, spec.samples = samples, spec.separate = separate;
                  spec.alpha = samples % 2 == 0 ? alpha : 0;
                  spec.photometric = samples < 3 ? (big_endian ? 0 : 1) : 2;
                  if (spec.photometric == 0 && spec.alpha == 1) spec.photometric = 1;
                  kinds.push_back(spec);
                }
          spec.samples = 1, spec.separate = false, spec.alpha = 0;
          if (predictor) continue;
          for (const int bits : {1, 2, 4, 8})
            for (const int photometric : {0, 1, 3}) {
              spec.bits = bits, spec.photometric = photometric;
              kinds.push_back(spec);
            }
        }
  PlainTiff fax{.width = width, .height = height, .samples = 1, .bits = 1, .photometric = 0, .compression = 4};
  kinds.push_back(fax);
  return kinds;
}

OwnedImage expected_pixels(const PlainTiff& spec) {
  const bool palette = spec.photometric == 3, color = spec.photometric == 2 || palette;
  const PixelFormat format{color ? Model::bgr : Model::gray, spec.bits == 16 ? Depth::u16 : Depth::u8, spec.alpha > 0};
  OwnedImage image({spec.width, spec.height, format, {}, 0});
  const unsigned full = spec.bits == 16 ? 65535 : 255;
  for (int y = 0; y < spec.height; ++y)
    for (int x = 0; x < spec.width; ++x)
      for (int c = 0; c < format.channels(); ++c) {
        const bool is_alpha = c == format.color_channels();
        unsigned v = 0;
        if (palette) {
          v = palette_level(stored(spec, x, y, 0), 2 - c);
        } else {
          v = stored(spec, x, y, is_alpha ? spec.samples - 1 : color ? 2 - c : c) * full / most(spec);
          if (spec.photometric == 0 && !is_alpha) v = full - v;
          const unsigned alpha = stored(spec, x, y, spec.samples - 1);
          if (spec.alpha == 1 && !is_alpha && alpha > 0) v = std::min(full, (v * full + alpha / 2) / alpha);
        }
        const auto row = image.view().plane();
        const int i = x * format.channels() + c;
        if (spec.bits == 16)
          row.row<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(v);
        else
          row.row<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(v);
      }
  return image;
}

OwnedImage from_libtiff(const Bytes& file) {
  Memory memory{file, 0};
  TIFF* const tif = open_memory(memory, "rm");
  std::uint32_t width = 0, height = 0, tile = 0;
  std::uint16_t bits = 0, samples = 0, photometric = 0;
  TIFFGetField(tif, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tif, TIFFTAG_IMAGELENGTH, &height);
  TIFFGetField(tif, TIFFTAG_BITSPERSAMPLE, &bits);
  TIFFGetField(tif, TIFFTAG_SAMPLESPERPIXEL, &samples);
  TIFFGetField(tif, TIFFTAG_PHOTOMETRIC, &photometric);
  TIFFGetField(tif, TIFFTAG_TILEWIDTH, &tile);
  const bool color = photometric == PHOTOMETRIC_RGB;
  const PixelFormat format{color ? Model::bgr : Model::gray, bits == 16 ? Depth::u16 : Depth::u8, samples % 2 == 0};
  OwnedImage image({static_cast<int>(width), static_cast<int>(height), format, {}, 0});
  Bytes block(static_cast<std::size_t>(tile > 0 ? TIFFTileSize(tif) : TIFFScanlineSize(tif)));
  const std::size_t sample_bytes = bits / 8;
  for (std::uint32_t y0 = 0; y0<height; y0 += tile> 0 ? tile : 1)
    for (std::uint32_t x0 = 0; x0<width; x0 += tile> 0 ? tile : width) {
      if (tile > 0)
        REQUIRE(TIFFReadTile(tif, block.data(), x0, y0, 0, 0) > 0);
      else
        REQUIRE(TIFFReadScanline(tif, block.data(), y0, 0) == 1);
      const std::uint32_t columns = tile > 0 ? tile : width, rows = tile > 0 ? tile : 1;
      for (std::uint32_t y = y0; y < std::min(y0 + rows, height); ++y)
        for (std::uint32_t x = x0; x < std::min(x0 + columns, width); ++x)
          for (std::uint32_t c = 0; c < samples; ++c) {
            const std::uint32_t from = color && c < 3 ? 2 - c : c;
            std::memcpy(image.view().plane().row<std::byte>(static_cast<int>(y)) + (x * samples + c) * sample_bytes,
                        block.data() + (((y - y0) * columns + x - x0) * samples + from) * sample_bytes, sample_bytes);
          }
    }
  TIFFClose(tif);
  return image;
}

TiffFacts tiff_facts(const Bytes& file) {
  Memory memory{file, 0};
  TIFF* const tif = open_memory(memory, "rm");
  std::uint16_t compression = 0, predictor = 1;
  std::uint32_t tile = 0;
  TIFFGetField(tif, TIFFTAG_COMPRESSION, &compression);
  TIFFGetField(tif, TIFFTAG_PREDICTOR, &predictor);
  TIFFGetField(tif, TIFFTAG_TILEWIDTH, &tile);
  TiffFacts facts;
  facts.compression = compression == 1 ? "none" : compression == 5 ? "lzw" : compression == 8 ? "deflate" : "packbits";
  facts.predictor = predictor == 2;
  facts.tile = static_cast<int>(tile);
  facts.blocks = tile > 0 ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);
  TIFFClose(tif);
  return facts;
}

}  // namespace tessera::tests
