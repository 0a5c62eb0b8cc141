#include "stages/codecs/tiff.h"

#include <tiffio.h>

#include <algorithm>
#include <cstring>

namespace tessera::stages {
namespace {

class TiffCodec final : public Codec {
 public:
  std::string_view name() const override { return "tiff"; }
  std::string library() const override {
    const std::string_view text = TIFFGetVersion();  // "LIBTIFF, Version 4.5.0\nCopyright ..."
    const std::size_t number = text.find_last_of(' ', text.find('\n')) + 1;
    return "libtiff " + std::string(text.substr(number, text.find('\n') - number));
  }
  std::vector<std::string_view> extensions() const override { return {"tif", "tiff", "btf", "tf8"}; }
  bool recognises(ReadBytes first_64) const override {
    const auto starts = [&](const char* magic) {
      return first_64.size() >= 4 && std::memcmp(first_64.data(), magic, 4) == 0;
    };
    return starts("II*\0") || starts("MM\0*") || starts("II+\0") || starts("MM\0+");
  }
  Header probe(ByteSource& source) const override { return probe_tiff(source, 0); }
  Header probe_page(ByteSource& source, std::uint32_t page) const override { return probe_tiff(source, page); }
  Traits decode_traits(const Header& header, const DecodeRequest& request) const override {
    return tiff_decode_traits(header, request);
  }
  std::unique_ptr<Decoder> decode(ByteSource& source, const DecodeRequest& request) const override {
    return decode_tiff(source, request);
  }

  const std::vector<Parameter>& encode_parameters() const override {
    static const std::vector<Parameter> parameters{
        {"compression",
         ParameterType::choice,
         "How strips or tiles are compressed.",
         "none",
         false,
         {},
         {},
         {},
         {"none", "lzw", "deflate", "packbits"}},
        {"predictor",
         ParameterType::choice,
         "Of lzw and deflate: whether differences to the pixel on the left are compressed.",
         "horizontal",
         false,
         {},
         {},
         {},
         {"none", "horizontal"}},
        {"tile",
         ParameterType::choice,
         "Side of square tiles; 'none' writes strips.",
         "none",
         false,
         "px",
         {},
         {},
         {"none", "64", "128", "256", "512", "1024"}},
    };
    return parameters;
  }
  PixelFormat storable(PixelFormat format) const override {
    if (format.model == Model::ycbcr_planar) format.model = Model::bgr;
    if (format.depth == Depth::f32) format.depth = Depth::u16;
    return format;
  }
  Traits encode_traits(const ImageInfo& info, const Values& settings) const override {
    return tiff_encode_traits(info, settings);
  }
  std::unique_ptr<Encoder> encode(ByteSink& sink, const ImageInfo& info, const Metadata& metadata,
                                  const Values& settings) const override {
    return encode_tiff(sink, info, metadata, settings);
  }
};

}  // namespace

const Codec& tiff_codec() {
  static const TiffCodec codec;
  return codec;
}

}  // namespace tessera::stages
