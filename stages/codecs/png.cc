#include "stages/codecs/png.h"

#include <cstring>

#include "stages/codecs/png_io.h"

namespace tessera::stages {
namespace {

class PngCodec final : public Codec {
 public:
  std::string_view name() const override { return "png"; }
  std::string library() const override { return std::string("libpng ") + png_get_libpng_ver(nullptr); }
  std::vector<std::string_view> extensions() const override { return {"png", "apng"}; }
  bool recognises(ReadBytes first_64) const override {
    return first_64.size() >= 8 && std::memcmp(first_64.data(), "\x89PNG\r\n\x1a\n", 8) == 0;
  }
  Header probe(ByteSource& source) const override { return probe_png(source); }
  Traits decode_traits(const Header& header, const DecodeRequest& request) const override {
    return png_decode_traits(header, request);
  }
  std::unique_ptr<Decoder> decode(ByteSource& source, const DecodeRequest& request) const override {
    return decode_png(source, request);
  }

  const std::vector<Parameter>& encode_parameters() const override {
    static const std::vector<Parameter> parameters{
        {"compression", ParameterType::integer, "Effort as zlib counts it: 0 stores, 9 is the slowest.", "6", false, {}, 0, 9},
        {"filter",
         ParameterType::choice,
         "Row filter; 'all' chooses for each row, smaller and slower.",
         "sub",
         false,
         {},
         {},
         {},
         {"none", "sub", "up", "average", "paeth", "all"}},
    };
    return parameters;
  }
  PixelFormat storable(PixelFormat format) const override {
    if (format.model == Model::ycbcr_planar) format.model = Model::bgr;
    if (format.depth == Depth::f32) format.depth = Depth::u16;
    return format;
  }
  Traits encode_traits(const ImageInfo& info, const Values&) const override { return png_encode_traits(info); }
  std::unique_ptr<Encoder> encode(ByteSink& sink, const ImageInfo& info, const Metadata& metadata,
                                  const Values& settings) const override {
    return encode_png(sink, info, metadata, settings);
  }
};

}  // namespace

const Codec& png_codec() {
  static const PngCodec codec;
  return codec;
}

}  // namespace tessera::stages
