// A contact sheet: each picture of a folder beside what became of it. Also a sample of the library without a pipeline:
// open a file, decode its rows, bind a stage, apply it, encode.
//   tessera_contact_sheet SHEET.png INPUTS OUTPUTS
#include <fcntl.h>
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "pipeline/job_files.h"
#include "stages/catalogue.h"
#include "stages/convert.h"
#include "stages/frame_layout.h"
#include "stages/orientation.h"
#include "workers/fd.h"

namespace {

namespace fs = std::filesystem;
using namespace tessera;
using namespace tessera::stages;

constexpr int kThumb = 260, kGap = 14, kLabel = 22, kPairsPerRow = 2;

// An image with memory of its own.
struct Picture {
  ImageInfo info;
  std::vector<std::byte> memory;
  MutableView view() {
    auto* start = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(memory.data()) + 63) / 64 * 64);
    return view_in(WriteBytes(start, memory.size() - 64), info, info.bounds());
  }
  explicit Picture(const ImageInfo& i) : info(i), memory(frame_layout(i, i.bounds()).bytes + 64) {}
};

Picture apply(Picture& in, const Operation& operation) {
  Picture out(operation.output());
  Scratch scratch;
  operation.apply(in.view(), out.view(), scratch);
  return out;
}

// The upright picture as 8-bit BGR, fitted into a thumbnail.
Picture thumbnail(const fs::path& path) {
  const workers::Fd fd = workers::checked_fd(open(path.c_str(), O_RDONLY | O_CLOEXEC), path.c_str());
  pipeline::FdSource source(fd.get());
  const Header header = probe(source);
  const Codec& codec = *codecs()[header.codec];
  const DecodeRequest request{};
  Picture picture(codec.decode_traits(header, request).info);
  codec.decode(source, request)->read(picture.view());
  for (const auto& turn : orientation_operations(picture.info, header.orientation)) picture = apply(picture, *turn);
  const PixelFormat bgr{Model::bgr, Depth::u8, false};
  if (picture.info.format != bgr) picture = apply(picture, *convert_format(picture.info, bgr, parse_color("white")));
  const StageEntry& resize = *find_stage("resize");
  const std::vector<Values::Pair> size{{"size", fmt::format("{0}x{0}", kThumb)}};
  const auto stage = resize.make(Values::parse("resize", resize.parameters, size));
  return apply(picture, *stage->bind(picture.info, {}));
}

void paste(cv::Mat& sheet, Picture& picture, int x, int y) {
  const cv::Mat from = picture.view().mat();
  from.copyTo(sheet(cv::Rect(x + (kThumb - from.cols) / 2, y + (kThumb - from.rows) / 2, from.cols, from.rows)));
}

void write_png(const std::string& path, const cv::Mat& sheet) {
  const workers::Fd fd =
      workers::checked_fd(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), path.c_str());
  pipeline::FdSink sink(fd.get());
  const Codec& png = *find_codec("png");
  Picture picture({sheet.cols, sheet.rows, {Model::bgr, Depth::u8, false}, {}, 0});
  sheet.copyTo(picture.view().mat());
  const auto encoder = png.encode(sink, picture.info, {}, Values::parse("png", png.encode_parameters(), {}));
  encoder->write(picture.view());
  encoder->finish();
  sink.finish();
}

int contact_sheet(const std::string& target, const fs::path& inputs, const fs::path& outputs) {
  std::map<std::string, fs::path> made;  // by stem
  for (const auto& entry : fs::directory_iterator(outputs))
    if (entry.is_regular_file() && fs::absolute(entry.path()) != fs::absolute(target))
      made[entry.path().stem()] = entry.path();
  std::map<std::string, fs::path> pairs;
  for (const auto& entry : fs::directory_iterator(inputs))
    if (codec_for_extension(entry.path().extension().string()) && made.contains(entry.path().stem()))
      pairs[entry.path().stem()] = entry.path();
  const int rows = (static_cast<int>(pairs.size()) + kPairsPerRow - 1) / kPairsPerRow;
  const int pair_width = 2 * kThumb + 3 * kGap, row_height = kThumb + kLabel + kGap;
  cv::Mat sheet(rows * row_height + kGap, kPairsPerRow * pair_width, CV_8UC3, cv::Scalar::all(40));
  int index = 0;
  for (const auto& [name, input] : pairs) {
    const int x = index % kPairsPerRow * pair_width + kGap, y = index / kPairsPerRow * row_height + kGap;
    Picture before = thumbnail(input), after = thumbnail(made[name]);
    paste(sheet, before, x, y);
    paste(sheet, after, x + kThumb + kGap, y);
    cv::putText(sheet, name + ": input, output", {x, y + kThumb + 15}, cv::FONT_HERSHEY_SIMPLEX, 0.45,
                cv::Scalar::all(220), 1, cv::LINE_AA);
    ++index;
  }
  write_png(target, sheet);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: tessera_contact_sheet SHEET.png INPUTS OUTPUTS\n");
    return 2;
  }
  try {
    return contact_sheet(argv[1], argv[2], argv[3]);
  } catch (const std::exception& e) {
    fmt::print(stderr, "tessera_contact_sheet: {}\n", e.what());
    return 1;
  }
}
