// Every encoder, with every format it stores, settings and metadata drawn from the input. The bytes do not depend on
// the bands; what was written is read back without a warning, at the same size, and bit for bit where nothing is lost.
#include <fuzzer/FuzzedDataProvider.h>

#include "stages/codec.h"
#include "stages/codecs/byte_io.h"
#include "tests/fuzz/fuzz.h"

namespace tessera::fuzz {
using namespace stages;
namespace {

std::string draw_value(FuzzedDataProvider& in, const Parameter& parameter) {
  switch (parameter.type) {
    case ParameterType::boolean:
      return in.ConsumeBool() ? "true" : "false";
    case ParameterType::choice:
      return std::string(parameter.choices[in.ConsumeIntegralInRange<std::size_t>(0, parameter.choices.size() - 1)]);
    default:
      return std::to_string(in.ConsumeIntegralInRange<int>(static_cast<int>(parameter.min.value_or(0)),
                                                           static_cast<int>(parameter.max.value_or(100))));
  }
}

Values draw_settings(FuzzedDataProvider& in, const Codec& codec) {
  std::vector<Values::Pair> pairs;
  for (const Parameter& parameter : codec.encode_parameters())
    if (in.ConsumeBool()) pairs.emplace_back(parameter.name, draw_value(in, parameter));
  return Values::parse(codec.name(), codec.encode_parameters(), pairs);
}

ImageInfo draw_info(FuzzedDataProvider& in, const Codec& codec) {
  ImageInfo info{in.ConsumeIntegralInRange(1, 90), in.ConsumeIntegralInRange(1, 90), {}, {}, 0};
  PixelFormat asked;
  asked.model = in.PickValueInArray({Model::gray, Model::bgr, Model::ycbcr_planar});
  asked.depth = in.PickValueInArray({Depth::u8, Depth::u16, Depth::f32});
  asked.alpha = in.ConsumeBool();
  info.format = codec.storable(asked);
  if (info.format.model == Model::ycbcr_planar) {
    const auto x = in.ConsumeIntegralInRange<std::uint8_t>(0, 2);
    const auto y = in.ConsumeIntegralInRange<std::uint8_t>(0, x == 2 ? 1 : 2);
    info.grid[1].log2_x = info.grid[2].log2_x = x;
    info.grid[1].log2_y = info.grid[2].log2_y = y;
  }
  return info;
}

Metadata draw_metadata(FuzzedDataProvider& in) {
  Metadata metadata;
  for (const char* name : {"density", "exif", "icc", "xmp", "iptc"}) {
    if (!in.ConsumeBool()) continue;
    std::vector<std::byte> block = in.ConsumeBytes<std::byte>(in.ConsumeIntegralInRange<std::size_t>(1, 300));
    if (in.ConsumeIntegralInRange(0, 15) == 0) block.resize(block.size() + 70'000, std::byte{1});
    if (!block.empty()) metadata.emplace_back(name, std::move(block));
  }
  return metadata;
}

std::vector<std::byte> encode(const Codec& codec, const Picture& picture, const Metadata& metadata,
                              const Values& settings, std::int32_t rows) {
  MemorySink sink;
  const Traits traits = codec.encode_traits(picture.info(), settings);
  const auto encoder = codec.encode(sink, picture.info(), metadata, settings);
  for (const Region& band : bands(picture.info(), rows, traits.band_multiple))
    encoder->write(sub_view(picture.info(), picture.view(), band));
  encoder->finish();
  return sink.bytes();
}

void round_trip(FuzzedDataProvider& in) {
  const Codec& codec = *codecs()[in.ConsumeIntegralInRange<std::size_t>(0, codecs().size() - 1)];
  const ImageInfo info = draw_info(in, codec);
  const Values settings = draw_settings(in, codec);
  Picture picture(info);
  picture.fill(in.ConsumeIntegral<std::uint32_t>());
  const auto rows = in.ConsumeIntegralInRange<std::int32_t>(1, 40);
  const Metadata metadata = draw_metadata(in);

  const std::vector<std::byte> file = encode(codec, picture, metadata, settings, info.height);
  require(file == encode(codec, picture, metadata, settings, rows), "bands do not change an encoder's bytes");

  MemorySource source(file);
  const Header header = probe(source);
  require(codecs()[header.codec] == &codec, "a file is recognised as what it was written as");
  require(header.full.width == info.width && header.full.height == info.height, "the size survives");
  const bool planar = info.format.model == Model::ycbcr_planar;
  require(!planar || header.planar, "planes come back as planes");
  const DecodeRequest request{.fail_on = FailOn::warning, .planar = planar};
  const Traits traits = codec.decode_traits(header, request);
  ImageInfo bare = traits.info;
  bare.profile_id = 0;
  require(bare == info, "the format and the grids survive");
  Picture back(bare);
  const auto decoder = codec.decode(source, request);
  decoder->metadata();
  decoder->read(back.view());
  decoder->finish();
  require(codec.name() == "jpeg" || same_pixels(picture, back), "every other format loses nothing");
}

}  // namespace
}  // namespace tessera::fuzz

// No exception is an error that it may answer with.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider in(data, size);
  tessera::fuzz::round_trip(in);
  return 0;
}
