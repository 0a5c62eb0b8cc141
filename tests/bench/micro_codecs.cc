// Every codec on a picture of 2 megapixels in memory: encoding with default settings, decoding, decoding at half size
// and to planes where the codec can.
#include <benchmark/benchmark.h>

#include <string>

#include "stages/codecs/byte_io.h"
#include "tests/bench/micro.h"

namespace {

using namespace tessera;
using namespace tessera::stages;

constexpr std::int32_t kWidth = 1920, kHeight = 1088, kBandRows = 64;

std::vector<std::byte> encoded(const Codec& codec, bench::Picture& picture) {
  MemorySink sink;
  const auto encoder =
      codec.encode(sink, picture.info(), {}, Values::parse(codec.name(), codec.encode_parameters(), {}));
  const View all = picture.view();
  for (std::int32_t y = 0; y < picture.info().height; y += kBandRows)
    encoder->write(sub_view(picture.info(), all, {0, y, kWidth, std::min(y + kBandRows, kHeight)}));
  encoder->finish();
  return sink.bytes();
}

bench::Picture picture_for(const Codec& codec) {
  bench::Picture picture(bench::interleaved(kWidth, kHeight, codec.storable({Model::bgr, Depth::u8, false})));
  picture.fill();
  return picture;
}

void count_pixels(benchmark::State& state, const ImageInfo& info) {
  state.counters["MP/s"] = benchmark::Counter(bench::megapixels(info), benchmark::Counter::kIsIterationInvariantRate);
}

void encode(benchmark::State& state, const Codec* codec) {
  bench::Picture picture = picture_for(*codec);
  for (auto _ : state) benchmark::DoNotOptimize(encoded(*codec, picture).data());
  count_pixels(state, picture.info());
}

void decode(benchmark::State& state, const Codec* codec, std::uint8_t scale_log2, bool planar) {
  bench::Picture picture = picture_for(*codec);
  const std::vector<std::byte> file = encoded(*codec, picture);
  MemorySource source(file);
  const Header header = codec->probe(source);
  if (header.max_scale_log2 < scale_log2 || (planar && !header.planar)) {
    state.SkipWithError("the codec cannot");
    return;
  }
  DecodeRequest request;
  request.scale_log2 = scale_log2;
  request.planar = planar;
  const Traits traits = codec->decode_traits(header, request);
  const std::int32_t rows = traits.access == Access::whole ? kHeight : kBandRows;
  bench::Picture out(traits.info);
  const MutableView all = out.view();
  for (auto _ : state) {
    const auto decoder = codec->decode(source, request);
    for (std::int32_t y = 0; y < kHeight; y += rows)
      decoder->read(sub_view(traits.info, all, {0, y, kWidth, std::min(y + rows, kHeight)}));
    decoder->finish();
    benchmark::ClobberMemory();
  }
  count_pixels(state, header.full);
}

const int registered = [] {
  for (const Codec* codec : listed_codecs()) {
    const std::string name = "codec/" + std::string(codec->name());
    const auto add = [&](const std::string& what, auto... arguments) {
      benchmark::RegisterBenchmark((name + what).c_str(), arguments...)->Unit(benchmark::kMillisecond);
    };
    add("/encode", encode, codec);
    add("/decode", decode, codec, std::uint8_t{0}, false);
    if (codec->name() != "jpeg") continue;
    add("/decode_planes", decode, codec, std::uint8_t{0}, true);
    add("/decode_half", decode, codec, std::uint8_t{1}, false);
    add("/decode_half_planes", decode, codec, std::uint8_t{1}, true);
  }
  return 0;
}();

}  // namespace
