// The bound that no resampler can beat: libjpeg alone, on N forked children. Each JPEG is decoded to planes at the
// scale that the recipe's plan asks for, and a picture of the plan's output size, picked from those planes sample by
// sample, is encoded from planes (4:2:0) at the recipe's quality. `decode` stops after decoding. No metadata, no hash,
// no journal.
//   tessera_bare_codec both|decode CHILDREN RECIPE.toml OUTPUT_FOLDER FILE...
#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <jpeglib.h>

#include "pipeline/job_files.h"
#include "pipeline/plan.h"
#include "tests/bench/forked_loop.h"
#include "workers/fd.h"

namespace {

using namespace tessera;

struct Plane {
  int width = 0, height = 0, stride = 0;
  std::vector<JSAMPLE> samples;
  void allocate(int blocks_wide, int rows) {
    stride = blocks_wide;
    samples.resize(static_cast<std::size_t>(stride) * static_cast<std::size_t>(rows));
  }
  JSAMPLE* row(int y) { return samples.data() + static_cast<std::ptrdiff_t>(y) * stride; }
};
using Planes = std::array<Plane, 3>;

struct Target {
  int width = 0, height = 0, scale_log2 = 0, quality = 0;
};

Target target_of(const pipeline::Recipe& recipe, const char* file) {
  const workers::Fd in = workers::checked_fd(open(file, O_RDONLY | O_CLOEXEC), file);
  pipeline::FdSource source(in.get());
  const std::array<const stages::Codec*, 1> jpeg{stages::find_codec("jpeg")};
  const pipeline::ImagePlan plan =
      pipeline::make_plan(recipe, stages::probe(source), jpeg, {}, pipeline::Route::whole, {}, true);
  const stages::ImageInfo& out = plan.passes.back().output;
  const stages::Values settings = pipeline::settings_for(recipe.outputs.front(), *jpeg[0]);
  return {out.width, out.height, plan.decode.scale_log2, settings.integer("quality")};
}

// The rows that libjpeg hands over or takes at once: a row of MCUs.
struct RowPointers {
  std::array<std::vector<JSAMPROW>, 3> rows;
  std::array<JSAMPARRAY, 3> image{};
  void point(Planes& planes, int component, int first, int count) {
    const auto c = static_cast<std::size_t>(component);
    rows[c].resize(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) rows[c][static_cast<std::size_t>(i)] = planes[c].row(first + i);
    image[c] = rows[c].data();
  }
};

int decode(const char* file, int scale_log2, Planes& planes) {
  std::FILE* in = std::fopen(file, "rb");
  if (in == nullptr) throw std::runtime_error(fmt::format("cannot open {}", file));
  jpeg_decompress_struct cinfo{};
  jpeg_error_mgr errors{};
  cinfo.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&cinfo);
  jpeg_stdio_src(&cinfo, in);
  jpeg_read_header(&cinfo, TRUE);
  cinfo.raw_data_out = TRUE;
  cinfo.out_color_space = cinfo.jpeg_color_space;
  cinfo.scale_num = 1;
  cinfo.scale_denom = 1u << scale_log2;
  cinfo.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&cinfo);
  const int mcu_rows = cinfo.max_v_samp_factor * cinfo.min_DCT_scaled_size;
  const int mcus = (static_cast<int>(cinfo.output_height) + mcu_rows - 1) / mcu_rows;
  std::array<int, 3> rows_at_once{};
  const int components = std::min(cinfo.num_components, 3);
  for (int c = 0; c < components; ++c) {
    const jpeg_component_info& info = cinfo.comp_info[c];
    Plane& plane = planes[static_cast<std::size_t>(c)];
    rows_at_once[static_cast<std::size_t>(c)] = info.v_samp_factor * info.DCT_scaled_size;
    plane.width = static_cast<int>(info.downsampled_width);
    plane.height = static_cast<int>(info.downsampled_height);
    plane.allocate(
        static_cast<int>(info.width_in_blocks + static_cast<JDIMENSION>(info.h_samp_factor)) * info.DCT_scaled_size,
        mcus * rows_at_once[static_cast<std::size_t>(c)]);
  }
  RowPointers pointers;
  for (int mcu = 0; mcu < mcus; ++mcu) {
    for (int c = 0; c < components; ++c) {
      const int rows = rows_at_once[static_cast<std::size_t>(c)];
      pointers.point(planes, c, mcu * rows, rows);
    }
    jpeg_read_raw_data(&cinfo, pointers.image.data(), static_cast<JDIMENSION>(mcu_rows));
  }
  jpeg_finish_decompress(&cinfo);
  jpeg_destroy_decompress(&cinfo);
  std::fclose(in);
  return components;
}

/// The sample under each output sample's centre.
void pick(Plane& from, int width, int height, Plane& to) {
  std::vector<int> columns(static_cast<std::size_t>(width));
  for (int x = 0; x < width; ++x)
    columns[static_cast<std::size_t>(x)] = static_cast<int>((2L * x + 1) * from.width / (2L * width));
  to.width = width;
  to.height = height;
  to.allocate((width + 31) / 16 * 16, (height + 31) / 16 * 16);
  for (int y = 0; y < height; ++y) {
    const JSAMPLE* in = from.row(static_cast<int>((2L * y + 1) * from.height / (2L * height)));
    JSAMPLE* out = to.row(y);
    for (int x = 0; x < width; ++x) out[x] = in[columns[static_cast<std::size_t>(x)]];
  }
}

void encode(Planes& planes, int components, const Target& target, const std::string& path) {
  std::FILE* out = std::fopen(path.c_str(), "wb");
  if (out == nullptr) throw std::runtime_error(fmt::format("cannot write {}", path));
  jpeg_compress_struct cinfo{};
  jpeg_error_mgr errors{};
  cinfo.err = jpeg_std_error(&errors);
  jpeg_create_compress(&cinfo);
  jpeg_stdio_dest(&cinfo, out);
  cinfo.image_width = static_cast<JDIMENSION>(target.width);
  cinfo.image_height = static_cast<JDIMENSION>(target.height);
  cinfo.input_components = components;
  cinfo.in_color_space = components == 1 ? JCS_GRAYSCALE : JCS_YCbCr;
  jpeg_set_defaults(&cinfo);
  jpeg_set_quality(&cinfo, target.quality, TRUE);
  cinfo.raw_data_in = TRUE;
  jpeg_start_compress(&cinfo, TRUE);
  RowPointers pointers;
  const int mcu_rows = cinfo.max_v_samp_factor * DCTSIZE;
  for (int y = 0; y < target.height; y += mcu_rows) {
    for (int c = 0; c < components; ++c) {
      const int rows = cinfo.comp_info[c].v_samp_factor * DCTSIZE;
      pointers.point(planes, c, y / mcu_rows * rows, rows);
    }
    jpeg_write_raw_data(&cinfo, pointers.image.data(), static_cast<JDIMENSION>(mcu_rows));
  }
  jpeg_finish_compress(&cinfo);
  jpeg_destroy_compress(&cinfo);
  if (std::fclose(out) != 0) throw std::runtime_error(fmt::format("cannot write {}", path));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (argc < 6 || (what != "both" && what != "decode")) {
    fmt::print(stderr, "usage: tessera_bare_codec both|decode CHILDREN RECIPE.toml OUTPUT_FOLDER FILE...\n");
    return 2;
  }
  const pipeline::Recipe recipe = pipeline::load_recipe(argv[3]).recipe;
  const std::string folder = argv[4];
  std::filesystem::create_directories(folder);
  char** files = argv + 5;
  const int count = argc - 5;
  return bench::forked_loop(std::atoi(argv[2]), count, [&](const auto& take) {
    Planes decoded, picked;
    for (int i = take(); i < count; i = take()) {
      const Target target = target_of(recipe, files[i]);
      const int components = decode(files[i], target.scale_log2, decoded);
      if (what == "decode") continue;
      for (int c = 0; c < components; ++c)
        pick(decoded[static_cast<std::size_t>(c)], c == 0 ? target.width : (target.width + 1) / 2,
             c == 0 ? target.height : (target.height + 1) / 2, picked[static_cast<std::size_t>(c)]);
      encode(picked, components, target,
             fmt::format("{}/{}.jpg", folder, std::filesystem::path(files[i]).stem().string()));
    }
    return 0;
  });
}
