#include "tests/stages/codecs/other_files.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

namespace tessera::tests {

PlainPixels plain_jpeg_decode(const Bytes& file, PlainColor color, unsigned scale_denominator) {
  jpeg_decompress_struct cinfo{};
  jpeg_error_mgr errors{};
  cinfo.err = jpeg_std_error(&errors);
  errors.output_message = [](j_common_ptr) {};
  jpeg_create_decompress(&cinfo);
  jpeg_mem_src(&cinfo, reinterpret_cast<const unsigned char*>(file.data()), file.size());
  jpeg_read_header(&cinfo, TRUE);
  cinfo.scale_num = 1;
  cinfo.scale_denom = scale_denominator;
  cinfo.do_fancy_upsampling = color != PlainColor::ycbcr_replicated;
  cinfo.out_color_space = color == PlainColor::rgb    ? JCS_RGB
                          : color == PlainColor::gray ? JCS_GRAYSCALE
                          : color == PlainColor::cmyk ? JCS_CMYK
                                                      : JCS_YCbCr;
  jpeg_start_decompress(&cinfo);
  PlainPixels out{
      static_cast<int>(cinfo.output_width), static_cast<int>(cinfo.output_height), cinfo.output_components, {}};
  const std::size_t row_bytes = cinfo.output_width * static_cast<std::size_t>(cinfo.output_components);
  out.samples.resize(row_bytes * cinfo.output_height);
  while (cinfo.output_scanline < cinfo.output_height) {
    JSAMPROW row = out.samples.data() + row_bytes * cinfo.output_scanline;
    jpeg_read_scanlines(&cinfo, &row, 1);
  }
  jpeg_finish_decompress(&cinfo);
  jpeg_destroy_decompress(&cinfo);
  return out;
}

Bytes plain_jpeg(const PlainJpeg& spec) {
  jpeg_compress_struct cinfo{};
  jpeg_error_mgr errors{};
  cinfo.err = jpeg_std_error(&errors);
  jpeg_create_compress(&cinfo);
  unsigned char* memory = nullptr;
  unsigned long bytes = 0;
  jpeg_mem_dest(&cinfo, &memory, &bytes);
  const int channels = spec.color == PlainColor::gray ? 1 : spec.color == PlainColor::cmyk ? 4 : 3;
  cinfo.image_width = static_cast<JDIMENSION>(spec.width);
  cinfo.image_height = static_cast<JDIMENSION>(spec.height);
  cinfo.input_components = channels;
  cinfo.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 4 ? JCS_CMYK : JCS_RGB;
  jpeg_set_defaults(&cinfo);
  if (spec.color == PlainColor::rgb) jpeg_set_colorspace(&cinfo, JCS_RGB);
  if (spec.color == PlainColor::cmyk) jpeg_set_colorspace(&cinfo, spec.ycck ? JCS_YCCK : JCS_CMYK);
  if (!spec.adobe) cinfo.write_Adobe_marker = FALSE;
  for (int i = 0; i < cinfo.num_components; ++i)
    cinfo.comp_info[i].h_samp_factor = cinfo.comp_info[i].v_samp_factor = 1;
  cinfo.comp_info[0].h_samp_factor = spec.h;
  cinfo.comp_info[0].v_samp_factor = spec.v;
  if (channels > 1) cinfo.comp_info[1].h_samp_factor = spec.h2, cinfo.comp_info[1].v_samp_factor = spec.v2;
  cinfo.arith_code = spec.arithmetic;
  cinfo.restart_in_rows = spec.restart_rows;
  if (spec.progressive) jpeg_simple_progression(&cinfo);
  jpeg_start_compress(&cinfo, TRUE);
  for (const auto& [marker, data] : spec.markers)
    jpeg_write_marker(&cinfo, marker, reinterpret_cast<const JOCTET*>(data.data()), static_cast<unsigned>(data.size()));
  std::vector<JSAMPLE> row(static_cast<std::size_t>(spec.width * channels));
  for (int y = 0; y < spec.height; ++y) {
    for (int x = 0; x < spec.width; ++x)
      for (int c = 0; c < channels; ++c) {
        const int value =
            20 + 150 * x / spec.width + 60 * y / spec.height * (c % 2) + (x * 3 > spec.width ? 20 * c : 0);
        row[static_cast<std::size_t>(x * channels + c)] = static_cast<JSAMPLE>(value);
      }
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&cinfo, &pointer, 1);
  }
  jpeg_finish_compress(&cinfo);
  jpeg_destroy_compress(&cinfo);
  const auto* begin = reinterpret_cast<const std::byte*>(memory);
  const Bytes out(begin, begin + bytes);
  std::free(memory);
  return out;
}

Bytes plain_jpeg_of(const OwnedImage& image, int quality) {
  jpeg_compress_struct cinfo{};
  jpeg_error_mgr errors{};
  cinfo.err = jpeg_std_error(&errors);
  jpeg_create_compress(&cinfo);
  unsigned char* memory = nullptr;
  unsigned long bytes = 0;
  jpeg_mem_dest(&cinfo, &memory, &bytes);
  cinfo.image_width = static_cast<JDIMENSION>(image.info().width);
  cinfo.image_height = static_cast<JDIMENSION>(image.info().height);
  cinfo.input_components = 3;
  cinfo.in_color_space = JCS_YCbCr;
  jpeg_set_defaults(&cinfo);
  jpeg_set_quality(&cinfo, quality, TRUE);
  cinfo.comp_info[0].h_samp_factor = cinfo.comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(&cinfo, TRUE);
  std::vector<JSAMPLE> row(cinfo.image_width * 3);
  for (std::int32_t y = 0; y < image.info().height; ++y) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = image.view().planes[i % 3].row<JSAMPLE>(y)[i / 3];
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&cinfo, &pointer, 1);
  }
  jpeg_finish_compress(&cinfo);
  jpeg_destroy_compress(&cinfo);
  const auto* begin = reinterpret_cast<const std::byte*>(memory);
  const Bytes out(begin, begin + bytes);
  std::free(memory);
  return out;
}

unsigned plain_png_sample(const PlainPng& spec, int x, int y, int c) {
  return static_cast<unsigned>(x * 3 + y * 5 + c * 7) * (spec.depth == 16 ? 2311u : 1u) % (1u << spec.depth);
}

namespace {

std::vector<png_byte> packed_row(const PlainPng& spec, int y, int channels) {
  std::vector<png_byte> row(static_cast<std::size_t>((spec.width * channels * spec.depth + 7) / 8));
  for (int x = 0; x < spec.width; ++x)
    for (int c = 0; c < channels; ++c) {
      const unsigned value = plain_png_sample(spec, x, y, c);
      const int bit = (x * channels + c) * spec.depth;
      const auto at = static_cast<std::size_t>(bit / 8);
      if (spec.depth == 16)
        row[at] = static_cast<png_byte>(value >> 8), row[at + 1] = static_cast<png_byte>(value);
      else
        row[at] = static_cast<png_byte>(row[at] | value << (8 - spec.depth - bit % 8));
    }
  return row;
}

void set_palette_and_transparency(png_structp png, png_infop info, const PlainPng& spec) {
  std::vector<png_color> colors;
  std::vector<png_byte> alphas;
  for (int i = 0; i < 1 << std::min(spec.depth, 8); ++i) {
    colors.push_back(
        {static_cast<png_byte>(i * 11), static_cast<png_byte>(i * 7 + 3), static_cast<png_byte>(255 - i * 5)});
    alphas.push_back(static_cast<png_byte>(i * 16));
  }
  png_color_16 key{};
  key.gray = key.red = static_cast<png_uint_16>(plain_png_sample(spec, 1, 1, 0));
  key.green = static_cast<png_uint_16>(plain_png_sample(spec, 1, 1, 1));
  key.blue = static_cast<png_uint_16>(plain_png_sample(spec, 1, 1, 2));
  const bool palette = spec.color_type == PNG_COLOR_TYPE_PALETTE;
  if (palette) png_set_PLTE(png, info, colors.data(), static_cast<int>(colors.size()));
  if (spec.transparent)
    png_set_tRNS(png, info, palette ? alphas.data() : nullptr, palette ? static_cast<int>(alphas.size()) : 0, &key);
}

}  // namespace

Bytes plain_png(const PlainPng& spec) {
  Bytes out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  const auto append = [](png_structp p, png_bytep data, std::size_t bytes) {
    auto& to = *static_cast<Bytes*>(png_get_io_ptr(p));
    const auto* begin = reinterpret_cast<const std::byte*>(data);
    to.insert(to.end(), begin, begin + bytes);
  };
  png_set_write_fn(png, &out, append, [](png_structp) {});
  png_set_IHDR(png, info, static_cast<png_uint_32>(spec.width), static_cast<png_uint_32>(spec.height), spec.depth,
               spec.color_type, spec.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
  if (spec.stored) png_set_compression_level(png, 0);
  set_palette_and_transparency(png, info, spec);
  png_write_info(png, info);
  std::vector<std::vector<png_byte>> rows;
  std::vector<png_bytep> pointers;
  for (int y = 0; y < spec.height; ++y) rows.push_back(packed_row(spec, y, png_get_channels(png, info)));
  for (auto& row : rows) pointers.push_back(row.data());
  png_write_image(png, pointers.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return out;
}

Bytes with_png_chunk(const Bytes& png, const char* type, const Bytes& data, bool at_end) {
  Bytes chunk;
  const auto put_u32 = [&](unsigned long v) {
    for (int shift = 24; shift >= 0; shift -= 8) chunk.push_back(static_cast<std::byte>(v >> shift));
  };
  put_u32(data.size());
  for (int i = 0; i < 4; ++i) chunk.push_back(static_cast<std::byte>(type[i]));
  chunk.insert(chunk.end(), data.begin(), data.end());
  put_u32(crc32(0, reinterpret_cast<const Bytef*>(chunk.data()) + 4, static_cast<uInt>(data.size() + 4)));
  Bytes out = png;
  out.insert(at_end ? out.end() - 12 : out.begin() + 33, chunk.begin(), chunk.end());
  return out;
}

}  // namespace tessera::tests
