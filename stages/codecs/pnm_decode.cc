// Netpbm's raw formats to any rectangle: P4 (bits), P5 (gray), P6 (RGB), P7 (any of them, with alpha). A largest value
// other than 255 or 65535 is scaled to the full range of 8 or 16 bits, rounded to the nearest level. The plain formats
// P1 to P3 are text and not read. source: netpbm.sourceforge.net/doc/ppm.html, pam.html.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "stages/codecs/pnm.h"

namespace tessera::stages {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64 << 10;  // comments included
constexpr std::size_t kReadBytes = 256 << 10;
// A file cut short has rows that can be saved; one that holds less of its picture was never larger.
constexpr std::uint64_t kMostMissing = 64;

struct PnmLayout {
  ImageInfo info;
  std::uint32_t most = 255;  // the sample that means full
  bool bits = false;         // P4: 1 is black
  std::uint64_t pixels_at = 0;
  std::uint64_t row_bytes() const {
    const auto width = static_cast<std::uint64_t>(info.width);
    return bits ? (width + 7) / 8 : width * static_cast<std::uint64_t>(info.format.pixel_bytes());
  }
};

class PnmHeader {
 public:
  explicit PnmHeader(ByteSource& source) {
    const ReadBytes start = source.at(0, kMaxHeaderBytes);
    text_ = {reinterpret_cast<const char*>(start.data()), start.size()};
    file_bytes_ = source.size();
    is_whole_file_ = start.size() == source.size();
  }

  PnmLayout read() {
    const char kind = text_.size() > 1 ? text_[1] : '\0';
    at_ = 2;
    if (kind == '7') return read_pam();
    PnmLayout layout;
    layout.bits = kind == '4';
    const std::uint32_t width = number(), height = number();
    const std::uint32_t most = layout.bits ? 1 : number();
    ++at_;  // exactly one blank before the pixels
    finish(layout, width, height, most, kind == '6' ? 3 : 1, false);
    return layout;
  }

 private:
  static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

  [[noreturn]] void fail_at_end() const {
    throw ImageError(is_whole_file_ ? "truncated PNM: the file ends in its header"
                                    : "PNM: its header is larger than 64 KiB");
  }
  // A word after blanks and comments.
  std::string_view word() {
    while (at_ < text_.size() && (is_blank(text_[at_]) || text_[at_] == '#')) {
      if (text_[at_] == '#')
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      else
        ++at_;
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && !is_blank(text_[at_]) && text_[at_] != '#') ++at_;
    if (at_ == text_.size()) fail_at_end();
    return text_.substr(begin, at_ - begin);
  }
  std::uint32_t number() {
    const std::string_view digits = word();
    std::uint32_t value = 0;
    const bool plain = !digits.empty() && digits.size() <= 9 &&
                       std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    if (!plain) throw ImageError("PNM: its header has something else where a number belongs");
    for (const char c : digits) value = value * 10 + static_cast<std::uint32_t>(c - '0');
    return value;
  }

  PnmLayout read_pam() {
    std::uint32_t width = 0, height = 0, depth = 0, most = 0;
    bool alpha = false;
    while (true) {
      const std::string_view name = word();
      if (name == "ENDHDR") break;
      if (name == "WIDTH")
        width = number();
      else if (name == "HEIGHT")
        height = number();
      else if (name == "DEPTH")
        depth = number();
      else if (name == "MAXVAL")
        most = number();
      else if (name == "TUPLTYPE")
        alpha = word().ends_with("_ALPHA");
      else
        throw ImageError("PNM: its header has a line that no PAM has");
    }
    ++at_;
    PnmLayout layout;
    if (depth < 1 || depth > 4 || alpha != (depth % 2 == 0))
      throw ImageError(fmt::format("PNM: {} samples a pixel that are not gray, RGB or one of them with alpha", depth));
    finish(layout, width, height, most, static_cast<int>(depth), alpha);
    return layout;
  }

  void finish(PnmLayout& layout, std::uint32_t width, std::uint32_t height, std::uint32_t most, int samples,
              bool alpha) const {
    if (width == 0 || height == 0 || width > kMaxSide || height > kMaxSide)
      throw ImageError(fmt::format("PNM: no picture has {} x {} pixels", width, height));
    if (most == 0 || most > 65535)
      throw ImageError(fmt::format("PNM: a largest value of {} is not between 1 and 65535", most));
    layout.info.width = static_cast<std::int32_t>(width);
    layout.info.height = static_cast<std::int32_t>(height);
    layout.info.format = {samples >= 3 ? Model::bgr : Model::gray, most > 255 ? Depth::u16 : Depth::u8, alpha};
    layout.most = most;
    layout.pixels_at = at_;
    if (layout.row_bytes() > kMostMissing * file_bytes_ / height)
      throw ImageError(
          fmt::format("truncated PNM: a file of {} bytes cannot hold {} x {} pixels", file_bytes_, width, height));
  }

  std::string_view text_;
  std::uint64_t file_bytes_ = 0;
  bool is_whole_file_ = false;
  std::size_t at_ = 0;
};

std::uint32_t scaled(std::uint32_t value, std::uint32_t most, std::uint32_t full) {
  return most == full ? value : (std::min(value, most) * full + most / 2) / most;
}

class PnmDecoder final : public Decoder {
 public:
  PnmDecoder(ByteSource& source, const DecodeRequest& request)
      : source_(source), layout_(PnmHeader(source).read()), fail_on_(request.fail_on) {
    check_extent();  // before anybody takes memory for rows that are not there
  }

  void read(const MutableView& out) override {
    const ImageInfo& info = layout_.info;
    const Region& r = out.region;
    const bool fits = out.format == info.format && info.bounds().contains(r) && out.plane().width == r.width() &&
                      out.plane().height == r.height();
    if (!fits) throw ImageError("the file changed while it was read: it no longer has the size it had");
    for (std::int32_t y = r.y0; y < r.y1; ++y) read_row(y, r, out.plane().row<std::byte>(y - r.y0));
  }

  void finish() override { check_extent(); }

  Metadata metadata() override { return {}; }

 private:
  [[noreturn]] void throw_truncated() const {
    const std::uint64_t pixels = source_.size() - std::min(source_.size(), layout_.pixels_at);
    throw ImageError(
        fmt::format("truncated PNM: the file ends after {} of {} rows; --fail-on none decodes what is there",
                    pixels / layout_.row_bytes(), layout_.info.height));
  }

  void check_extent() const {
    const std::uint64_t size = source_.size();
    const auto rows = static_cast<std::uint64_t>(layout_.info.height);
    const bool whole = layout_.pixels_at <= size && (size - layout_.pixels_at) / layout_.row_bytes() >= rows;
    if (!whole && fail_on_ != FailOn::none) throw_truncated();
  }

  void read_row(std::int32_t y, const Region& r, std::byte* to) {
    const int pixel = layout_.info.format.pixel_bytes();
    const std::uint64_t row = layout_.pixels_at + static_cast<std::uint64_t>(y) * layout_.row_bytes();
    const auto wanted = static_cast<std::size_t>(r.width()) * static_cast<std::size_t>(pixel);
    const std::uint64_t first = layout_.bits ? static_cast<std::uint64_t>(r.x0 / 8)
                                             : static_cast<std::uint64_t>(r.x0) * static_cast<std::uint64_t>(pixel);
    const std::size_t bytes = layout_.bits ? static_cast<std::size_t>((r.x1 + 7) / 8 - r.x0 / 8) : wanted;
    const ReadBytes got = source_.at(row + first, bytes);
    if (got.size() < bytes) {
      if (fail_on_ != FailOn::none) throw_truncated();
      std::memset(to, 0, wanted);
      return;
    }
    if (layout_.bits) return unpack_bits(got, r, to);
    if (layout_.info.format.depth == Depth::u8) return unpack<std::uint8_t>(got, r.width(), to);
    unpack<std::uint16_t>(got, r.width(), to);
  }

  static void unpack_bits(ReadBytes from, const Region& r, std::byte* to) {
    for (std::int32_t x = r.x0; x < r.x1; ++x) {
      const auto byte = std::to_integer<unsigned>(from[static_cast<std::size_t>(x / 8 - r.x0 / 8)]);
      to[x - r.x0] = (byte >> (7 - x % 8) & 1) != 0 ? std::byte{0} : std::byte{255};
    }
  }

  template <class Sample>
  void unpack(ReadBytes from, std::int32_t pixels, std::byte* to) const {
    constexpr std::uint32_t kFull = std::numeric_limits<Sample>::max();
    const int channels = layout_.info.format.channels(), swapped = channels >= 3 ? 2 : 0;
    const auto* in = reinterpret_cast<const std::uint8_t*>(from.data());
    auto* out = reinterpret_cast<Sample*>(to);
    const std::uint32_t most = layout_.most;
    for (std::int32_t x = 0; x < pixels; ++x, in += channels * static_cast<int>(sizeof(Sample)), out += channels)
      for (int c = 0; c < channels; ++c) {
        const int i = swapped != 0 && c < 3 ? swapped - c : c;
        const std::uint32_t value = sizeof(Sample) == 1 ? in[i] : std::uint32_t{in[2 * i]} << 8 | in[2 * i + 1];
        out[c] = static_cast<Sample>(scaled(value, most, kFull));
      }
  }

  ByteSource& source_;
  PnmLayout layout_;
  FailOn fail_on_;
};

}  // namespace

Header probe_pnm(ByteSource& source) {
  const PnmLayout layout = PnmHeader(source).read();
  Header header;
  header.full = layout.info;
  header.block_rows = 1;
  header.decoder_bytes = kReadBytes + layout.row_bytes();  // what the source keeps of the file
  return header;
}

Traits pnm_decode_traits(const Header& header, const DecodeRequest& request) {
  if (request.page >= header.pages) throw ImageError("a PNM file has one page");
  if (request.scale_log2 > 0) throw std::invalid_argument("a PNM cannot be shrunk while it is decoded");
  if (request.planar) throw std::invalid_argument("a PNM cannot be decoded to planes");
  Traits traits;
  traits.info = header.full;
  traits.access = Access::regions;
  traits.private_bytes = header.decoder_bytes;
  return traits;
}

std::unique_ptr<Decoder> decode_pnm(ByteSource& source, const DecodeRequest& request) {
  return std::make_unique<PnmDecoder>(source, request);
}

}  // namespace tessera::stages
