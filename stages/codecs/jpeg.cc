#include "stages/codecs/jpeg.h"

#include "stages/codecs/jpeg_io.h"

#define TESSERA_TEXT(token) #token
#define TESSERA_TEXT_OF(macro) TESSERA_TEXT(macro)

namespace tessera::stages {
namespace {

// Above it JPEG's own loss no longer hides what a scaled decode leaves; libjpeg's scale.
constexpr int kMaskingQuality = 88;

class JpegCodec final : public Codec {
 public:
  std::string_view name() const override { return "jpeg"; }
  std::string library() const override { return "libjpeg-turbo " TESSERA_TEXT_OF(LIBJPEG_TURBO_VERSION); }
  std::vector<std::string_view> extensions() const override { return {"jpg", "jpeg", "jpe", "jfif"}; }
  bool recognises(ReadBytes first_64) const override {
    return first_64.size() >= 3 && first_64[0] == std::byte{0xFF} && first_64[1] == std::byte{0xD8} &&
           first_64[2] == std::byte{0xFF};
  }
  Header probe(ByteSource& source) const override { return probe_jpeg(source); }
  Traits decode_traits(const Header& header, const DecodeRequest& request) const override {
    return jpeg_decode_traits(header, request);
  }
  std::unique_ptr<Decoder> decode(ByteSource& source, const DecodeRequest& request) const override {
    return decode_jpeg(source, request);
  }

  const std::vector<Parameter>& encode_parameters() const override {
    static const std::vector<Parameter> parameters{
        {"quality", ParameterType::integer, "libjpeg's quality scale.", "82", false, {}, 1, 100},
        {"subsampling",
         ParameterType::choice,
         "Resolution of the colour planes.",
         "4:2:0",
         false,
         {},
         {},
         {},
         {"4:2:0", "4:2:2", "4:4:4"}},
        {"progressive", ParameterType::boolean, "Several scans, coarse to fine; holds the whole image.", "false"},
        {"optimize", ParameterType::boolean, "Huffman tables made for this image; holds the whole image.", "false"},
    };
    return parameters;
  }
  PixelFormat storable(PixelFormat format) const override { return {format.model, Depth::u8, false}; }
  std::optional<Grid> chroma_grid(const Values& settings) const override { return jpeg_chroma_grid(settings); }
  bool hides_small_errors(const Values& settings) const override {
    return settings.integer("quality") <= kMaskingQuality;
  }
  Traits encode_traits(const ImageInfo& info, const Values& settings) const override {
    return jpeg_encode_traits(info, settings);
  }
  std::unique_ptr<Encoder> encode(ByteSink& sink, const ImageInfo& info, const Metadata& metadata,
                                  const Values& settings) const override {
    return encode_jpeg(sink, info, metadata, settings);
  }
};

}  // namespace

const Codec& jpeg_codec() {
  static const JpegCodec codec;
  return codec;
}

}  // namespace tessera::stages
