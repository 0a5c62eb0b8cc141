#include "stages/codecs/pnm.h"

namespace tessera::stages {
namespace {

class PnmCodec final : public Codec {
 public:
  std::string_view name() const override { return "pnm"; }
  std::vector<std::string_view> extensions() const override { return {"ppm", "pnm", "pgm", "pbm", "pam"}; }
  bool recognises(ReadBytes first_64) const override {
    if (first_64.size() < 3 || first_64[0] != std::byte{'P'}) return false;
    const char kind = std::to_integer<char>(first_64[1]), next = std::to_integer<char>(first_64[2]);
    const bool space = next == ' ' || (next >= '\t' && next <= '\r') || next == '#';
    return kind >= '4' && kind <= '7' && space;
  }
  Header probe(ByteSource& source) const override { return probe_pnm(source); }
  Traits decode_traits(const Header& header, const DecodeRequest& request) const override {
    return pnm_decode_traits(header, request);
  }
  std::unique_ptr<Decoder> decode(ByteSource& source, const DecodeRequest& request) const override {
    return decode_pnm(source, request);
  }

  const std::vector<Parameter>& encode_parameters() const override {
    static const std::vector<Parameter> none;
    return none;
  }
  PixelFormat storable(PixelFormat format) const override {
    if (format.model == Model::ycbcr_planar) format.model = Model::bgr;
    if (format.depth == Depth::f32) format.depth = Depth::u16;
    return format;
  }
  Traits encode_traits(const ImageInfo& info, const Values&) const override { return pnm_encode_traits(info); }
  std::unique_ptr<Encoder> encode(ByteSink& sink, const ImageInfo& info, const Metadata&,
                                  const Values&) const override {
    return encode_pnm(sink, info);
  }
};

}  // namespace

const Codec& pnm_codec() {
  static const PnmCodec codec;
  return codec;
}

}  // namespace tessera::stages
