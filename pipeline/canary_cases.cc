#include "pipeline/canary_cases.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>

#include "pipeline/job_files.h"
#include "pipeline/stage_text.h"
#include "stages/catalogue.h"
#include "stages/chain.h"
#include "stages/codec.h"
#include "stages/source.h"

namespace tessera::pipeline {
using namespace stages;
namespace {

constexpr std::int32_t kBandRows = 64;     // a multiple of every codec's bands
constexpr double kLossyDifference = 0.03;  // of the full range, on average over a smooth picture

/// Visits each sample of a view as a number 0..1 together with its place in full-size pixels and its channel.
template <typename AnyView, typename Visit>
void for_each_sample(const ImageInfo& info, const AnyView& view, const Visit& visit) {
  const PixelFormat& format = view.format;
  for (int p = 0; p < format.planes(); ++p) {
    const auto& plane = view.plane(p);
    const Grid& grid = info.grid[static_cast<std::size_t>(p)];
    for (std::int32_t y = 0; y < plane.height; ++y)
      for (std::int32_t i = 0; i < plane.width * format.channels(); ++i) {
        auto* const sample = plane.data + y * plane.stride + i * format.sample_bytes();
        visit(sample, (i / format.channels()) << grid.log2_x, y << grid.log2_y, p + i % format.channels());
      }
  }
}

double get_sample(const std::byte* sample, Depth depth) {
  if (depth == Depth::u8) return std::to_integer<int>(*sample) / 255.0;
  if (depth == Depth::u16) return *reinterpret_cast<const std::uint16_t*>(sample) / 65535.0;
  return static_cast<double>(*reinterpret_cast<const float*>(sample));
}

void set_sample(std::byte* sample, Depth depth, double value) {
  if (depth == Depth::u8) *sample = static_cast<std::byte>(std::lround(value * 255));
  if (depth == Depth::u16)
    *reinterpret_cast<std::uint16_t*>(sample) = static_cast<std::uint16_t>(std::lround(value * 65535));
  if (depth == Depth::f32) *reinterpret_cast<float*>(sample) = static_cast<float>(value);
}

/// A slope from corner to corner, a little different in each channel.
MutableView painted(const ImageInfo& info, Scratch& scratch) {
  const MutableView view = scratch.take_view(info, info.bounds());
  for_each_sample(info, view, [&](std::byte* sample, std::int32_t x, std::int32_t y, int channel) {
    set_sample(sample, info.format.depth, (x + y + 8.0 * channel) / (info.width + info.height + 32));
  });
  return view;
}

double mean_of(const ImageInfo& info, const View& view) {
  double sum = 0, count = 0;
  for_each_sample(info, view, [&](const std::byte* sample, std::int32_t, std::int32_t, int) {
    sum += get_sample(sample, info.format.depth);
    ++count;
  });
  return sum / count;
}

double mean_difference(const ImageInfo& info, const View& a, const View& b) {
  std::vector<double> samples;
  for_each_sample(info, a, [&](const std::byte* sample, std::int32_t, std::int32_t, int) {
    samples.push_back(get_sample(sample, info.format.depth));
  });
  double sum = 0;
  auto next = samples.begin();
  for_each_sample(info, b, [&](const std::byte* sample, std::int32_t, std::int32_t, int) {
    sum += std::abs(get_sample(sample, info.format.depth) - *next++);
  });
  return sum / static_cast<double>(samples.size());
}

void encode(const Codec& codec, const ImageInfo& info, const View& picture, const Values& settings, int fd) {
  FdSink sink(fd);
  const auto encoder = codec.encode(sink, info, {}, settings);
  const bool by_rows = codec.encode_traits(info, settings).access == Access::rows;
  const std::int32_t rows = by_rows ? kBandRows : info.height;
  for (std::int32_t y = 0; y < info.height; y += rows)
    encoder->write(sub_view(info, picture, {0, y, info.width, std::min(y + rows, info.height)}));
  encoder->finish();
  sink.finish();
  if (fsync(fd) != 0) throw std::runtime_error("the file cannot be synced");
}

MutableView decode(const Codec& codec, ByteSource& source, const DecodeRequest& request, const ImageInfo& info,
                   Scratch& scratch) {
  const MutableView picture = scratch.take_view(info, info.bounds());
  const auto decoder = codec.decode(source, request);
  for (std::int32_t y = 0; y < info.height; y += kBandRows)
    decoder->read(sub_view(info, picture, {0, y, info.width, std::min(y + kBandRows, info.height)}));
  decoder->finish();
  return picture;
}

Hash128 round_trip(const Codec& codec, const ImageInfo& info, const Values& settings, int fd) {
  Scratch scratch;
  const View original = painted(info, scratch);
  encode(codec, info, original, settings, fd);
  FdSource source(fd);
  const Header header = probe(source);
  if (codecs()[header.codec] != &codec) throw std::runtime_error("what it wrote is taken for another format");
  PixelHasher hasher;
  for (std::uint8_t scale = 0; scale <= header.max_scale_log2; ++scale) {
    const DecodeRequest request{0, scale, FailOn::warning, info.format.model == Model::ycbcr_planar};
    const ImageInfo decoded = codec.decode_traits(header, request).info;
    if (decoded.format != info.format)
      throw std::runtime_error(fmt::format("it comes back as {}", to_string(decoded.format)));
    const View picture = decode(codec, source, request, decoded, scratch);
    const double difference = scale == 0 ? mean_difference(info, original, picture)
                                         : std::abs(mean_of(info, original) - mean_of(decoded, picture));
    if (difference > kLossyDifference)
      throw std::runtime_error(fmt::format("at 1/{} of its size it differs by {:.1f} %", 1 << scale, difference * 100));
    hasher.add(picture);
  }
  return hasher.finish();
}

/// The defaults, and each other value of the settings that have few.
std::vector<std::vector<Values::Pair>> settings_of(const Codec& codec) {
  std::vector<std::vector<Values::Pair>> all{{}};
  for (const Parameter& parameter : codec.encode_parameters()) {
    std::vector<std::string_view> values = parameter.choices;
    if (parameter.type == ParameterType::boolean) values = {"true", "false"};
    for (const std::string_view value : values)
      if (value != parameter.default_value) all.push_back({{std::string(parameter.name), std::string(value)}});
  }
  return all;
}

std::vector<ImageInfo> pictures_of(const Codec& codec) {
  std::vector<ImageInfo> all;
  for (const Model model : {Model::gray, Model::bgr, Model::ycbcr_planar})
    for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
      for (const bool alpha : {false, true}) {
        ImageInfo info{117, 83, {model, depth, alpha}, {}, 0};
        if (codec.storable(info.format) != info.format) continue;
        all.push_back(info);
        if (model != Model::ycbcr_planar) continue;
        info.grid[1] = info.grid[2] = {1, 1, 0, 0};
        all.push_back(info);
      }
  return all;
}

void add_codec(const Codec& codec, std::vector<CanaryCase>& cases) {
  for (const ImageInfo& info : pictures_of(codec))
    for (const auto& pairs : settings_of(codec)) {
      std::string what =
          fmt::format("{}: {}{}", codec.name(), to_string(info.format), info.full_size() ? "" : " 4:2:0");
      for (const auto& [name, value] : pairs) what += fmt::format(", {}={}", name, value);
      const Values settings = Values::parse(codec.name(), codec.encode_parameters(), pairs);
      cases.push_back({what, [&codec, info, settings](int fd) { return round_trip(codec, info, settings, fd); }});
    }
}

Hash128 run_stage(const Stage& stage) {
  constexpr std::int32_t kWidth = 900, kHeight = 700;  // what the examples cut out is inside
  ImageInfo info{kWidth, kHeight, {Model::bgr, Depth::u8, false}, {}, 0};
  info.format = stage.working_format(info.format);
  Scratch scratch;
  const View picture = painted(info, scratch);
  std::vector<std::uint64_t> statistic;
  const std::unique_ptr<const Reduction> reduction = stage.reduction(info);
  if (reduction) {
    statistic.resize((reduction->bytes() + 7) / 8);
    reduction->measure(picture, std::as_writable_bytes(std::span(statistic)).first(reduction->bytes()));
  }
  const ReadBytes measured = std::as_bytes(std::span(statistic)).first(reduction ? reduction->bytes() : 0);
  const Chain chain(info, {stage.bind(info, {measured})});
  FrameSource source(info, picture);
  const MutableView result = scratch.take_view(chain.output(), chain.output().bounds());
  chain.render(source, result, scratch);
  PixelHasher hasher;
  hasher.add(result);
  return hasher.finish();
}

void add_stage(const StageEntry& entry, std::vector<CanaryCase>& cases) {
  const Values values = Values::parse(entry.name, entry.parameters, parse_stage_text(entry.example).pairs);
  const std::shared_ptr<const Stage> stage = entry.make(values);
  cases.push_back({std::string(entry.name), [stage](int) { return run_stage(*stage); }});
}

}  // namespace

std::vector<CanaryCase> canary_cases() {
  std::vector<CanaryCase> cases;
  for (const Codec* const codec : listed_codecs()) add_codec(*codec, cases);
  for (const StageEntry& entry : catalogue()) add_stage(entry, cases);
  return cases;
}

}  // namespace tessera::pipeline
