// The format of files that misbehave: "FAULT op@step[:argument] [WxH]". Where the order lets it, the file decodes to a
// small picture that depends on its size alone, so that "FAULT none@decode" is an ordinary image. Its header may also
// promise what is not there: op `lie`, or any size.
#include <charconv>
#include <cstring>

#include "stages/codec.h"
#include "stages/codecs/bands.h"
#include "stages/test_faults.h"
#include "tests/faults/fault_orders.h"

namespace tessera::stages {
namespace {

constexpr std::string_view kMagic = "FAULT ";

struct FaultFile {
  FaultOrder order;
  ImageInfo info;
};

FaultFile parse(ByteSource& source) {
  const ReadBytes bytes = source.at(0, 200);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  text = text.substr(0, text.find('\n'));
  text.remove_prefix(kMagic.size());
  FaultFile file;
  file.info.width = 64, file.info.height = 48;
  const auto space = text.find(' ');
  file.order = parse_order(text.substr(0, space));
  if (space == std::string_view::npos) return file;
  const std::string_view size = text.substr(space + 1);
  const char* end = size.data() + size.size();
  const auto width = std::from_chars(size.data(), end, file.info.width);
  if (width.ptr == end || *width.ptr != 'x' || std::from_chars(width.ptr + 1, end, file.info.height).ptr != end ||
      !valid(file.info))
    throw ImageError("FAULT op@step[:argument] [WxH]: that is no size");
  return file;
}

class FaultDecoder final : public Decoder {
 public:
  explicit FaultDecoder(FaultFile file) : file_(std::move(file)) {
    if (file_.order.op == "lie") throw ImageError("truncated: its header promises more pixels than the file holds");
  }
  void read(const MutableView& out) override {
    check_band(file_.info, out.region.y0, out);
    const auto& plane = out.plane();
    for (std::int32_t y = 0; y < plane.height; ++y) {
      auto* row = plane.row<std::uint8_t>(y);
      for (std::int32_t x = 0; x < plane.width * 3; ++x)
        row[x] = static_cast<std::uint8_t>(x * 5 + (out.region.y0 + y) * 3 + x * x / 64);
    }
    if (file_.order.op == "scribble" && file_.order.step == "decode")
      scribble(out);
    else
      fault_here("decode");
  }
  void finish() override {}
  Metadata metadata() override { return {}; }

 private:
  FaultFile file_;
};

class FaultCodec final : public Codec {
 public:
  std::string_view name() const override { return "fault"; }
  std::vector<std::string_view> extensions() const override { return {}; }
  bool recognises(ReadBytes first_64) const override {
    return first_64.size() > kMagic.size() && std::memcmp(first_64.data(), kMagic.data(), kMagic.size()) == 0;
  }
  Header probe(ByteSource& source) const override {
    const FaultFile file = parse(source);
    arm(file.order);
    fault_here("probe");
    Header header;
    header.full = file.info;
    return header;
  }
  Traits decode_traits(const Header& header, const DecodeRequest&) const override {
    return {header.full, Access::rows, 1, 1 << 16};
  }
  std::unique_ptr<Decoder> decode(ByteSource& source, const DecodeRequest&) const override {
    return std::make_unique<FaultDecoder>(parse(source));
  }

  const std::vector<Parameter>& encode_parameters() const override {
    static const std::vector<Parameter> none;
    return none;
  }
  PixelFormat storable(PixelFormat format) const override { return format; }
  Traits encode_traits(const ImageInfo&, const Values&) const override { throw no_encoder(); }
  std::unique_ptr<Encoder> encode(ByteSink&, const ImageInfo&, const Metadata&, const Values&) const override {
    throw no_encoder();
  }

 private:
  static ImageError no_encoder() { return ImageError("faults are read, never written"); }
};

}  // namespace

const Codec& fault_codec() {
  static const FaultCodec codec;
  return codec;
}

}  // namespace tessera::stages
