// Rows to Netpbm's raw formats: P5 for gray, P6 for RGB, P7 (PAM) where there is alpha; 8 or 16 bit. No metadata.
#include <fmt/format.h>

#include <cassert>
#include <stdexcept>

#include "stages/codecs/pnm.h"

namespace tessera::stages {
namespace {

std::string header_of(const ImageInfo& info) {
  const PixelFormat& format = info.format;
  const int most = format.depth == Depth::u8 ? 255 : 65535;
  const bool color = format.model == Model::bgr;
  if (format.alpha)
    return fmt::format("P7\nWIDTH {}\nHEIGHT {}\nDEPTH {}\nMAXVAL {}\nTUPLTYPE {}_ALPHA\nENDHDR\n", info.width,
                       info.height, format.channels(), most, color ? "RGB" : "GRAYSCALE");
  return fmt::format("P{}\n{} {}\n{}\n", color ? 6 : 5, info.width, info.height, most);
}

class PnmEncoder final : public Encoder {
 public:
  PnmEncoder(ByteSink& sink, const ImageInfo& info) : sink_(sink), info_(info) {
    const std::string header = header_of(info);
    sink_.write_at(0, std::as_bytes(std::span(header)));
    end_ = header.size();
    row_.resize(static_cast<std::size_t>(info.width) * static_cast<std::size_t>(info.format.pixel_bytes()));
  }

  void write(const View& band) override {
    assert(band.format == info_.format && band.region.x0 == 0 && band.region.x1 == info_.width);
    assert(band.region.y0 == next_row_ && band.region.y1 <= info_.height);
    for (std::int32_t y = 0; y < band.plane().height; ++y) {
      if (info_.format.depth == Depth::u8)
        pack(band.plane().row<std::uint8_t>(y));
      else
        pack(band.plane().row<std::uint16_t>(y));
      sink_.write_at(end_, row_);
      end_ += row_.size();
    }
    next_row_ = band.region.y1;
  }

  void finish() override { assert(next_row_ == info_.height); }

 private:
  template <class Sample>
  void pack(const Sample* from) {
    const int channels = info_.format.channels();
    auto* to = reinterpret_cast<std::uint8_t*>(row_.data());
    for (std::int32_t x = 0; x < info_.width; ++x, from += channels)
      for (int c = 0; c < channels; ++c) {
        const unsigned value = from[channels >= 3 && c < 3 ? 2 - c : c];
        if constexpr (sizeof(Sample) == 2) *to++ = static_cast<std::uint8_t>(value >> 8);  // big-endian
        *to++ = static_cast<std::uint8_t>(value);
      }
  }

  ByteSink& sink_;
  ImageInfo info_;
  std::vector<std::byte> row_;
  std::uint64_t end_ = 0;
  std::int32_t next_row_ = 0;
};

}  // namespace

Traits pnm_encode_traits(const ImageInfo& info) {
  if (info.format.model == Model::ycbcr_planar || info.format.depth == Depth::f32)
    throw std::invalid_argument("PNM stores gray or RGB with 8 or 16 bits, not " + to_string(info.format));
  if (!info.full_size()) throw std::invalid_argument("PNM stores full-size pixels");
  Traits traits;
  traits.info = info;
  traits.private_bytes =
      (4 << 10) + static_cast<std::uint64_t>(info.width) * static_cast<std::uint64_t>(info.format.pixel_bytes());
  return traits;
}

std::unique_ptr<Encoder> encode_pnm(ByteSink& sink, const ImageInfo& info) {
  static_cast<void>(pnm_encode_traits(info));
  return std::make_unique<PnmEncoder>(sink, info);
}

}  // namespace tessera::stages
