#include "stages/codecs/jpeg_markers.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace tessera::stages {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kExif = "Exif\0\0"sv;
constexpr std::string_view kXmp = "http://ns.adobe.com/xap/1.0/\0"sv;
constexpr std::string_view kPhotoshop = "Photoshop 3.0\0"sv;
constexpr std::string_view kResource = "8BIM"sv;
constexpr std::uint16_t kIptcResource = 0x0404;
constexpr std::size_t kMaxSegment = 65533;
constexpr std::size_t kIccSegment = 65519;  // 65533 - "ICC_PROFILE\0", number, count
constexpr double kInchesPerMetre = 1 / 0.0254;

ReadBytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

bool starts_with(ReadBytes bytes, std::string_view prefix) {
  return bytes.size() >= prefix.size() && std::memcmp(bytes.data(), prefix.data(), prefix.size()) == 0;
}

std::size_t big_endian(ReadBytes bytes, std::size_t at, std::size_t size) {
  std::size_t v = 0;
  for (std::size_t i = 0; i < size; ++i) v = v << 8 | std::to_integer<std::size_t>(bytes[at + i]);
  return v;
}

// Image resource blocks: "8BIM", id, Pascal name padded to even, size, data padded to even.
// source: Adobe Photoshop File Formats Specification, "Image Resource Blocks".
ReadBytes iptc_resource(ReadBytes blocks) {
  while (blocks.size() >= 12 && starts_with(blocks, kResource)) {
    const std::size_t id = big_endian(blocks, 4, 2);
    const std::size_t name = (1 + std::to_integer<std::size_t>(blocks[6]) + 1) / 2 * 2;
    if (blocks.size() < 6 + name + 4) return {};
    const std::size_t size = big_endian(blocks, 6 + name, 4);
    blocks = blocks.subspan(6 + name + 4);
    if (size > blocks.size()) return {};
    if (id == kIptcResource) return blocks.first(size);
    blocks = blocks.subspan(std::min(blocks.size(), (size + 1) / 2 * 2));
  }
  return {};
}

std::vector<std::byte> read_profile(JpegReader& reader, Model model) {
  JOCTET* data = nullptr;
  unsigned size = 0;
  reader.run([&] { jpeg_read_icc_profile(&reader.cinfo, &data, &size); });
  const std::unique_ptr<JOCTET, void (*)(void*)> owned(data, std::free);
  const ReadBytes icc = std::as_bytes(std::span<const JOCTET>(data, data ? size : 0));
  return profile_fits(icc, model) ? std::vector<std::byte>(icc.begin(), icc.end()) : std::vector<std::byte>{};
}

Density density_of(const jpeg_decompress_struct& cinfo) {
  if (cinfo.density_unit == 0) return {cinfo.X_density, cinfo.Y_density, Density::Unit::aspect_only};
  const double factor = cinfo.density_unit == 1 ? kInchesPerMetre : 100;
  const auto per_metre = [&](UINT16 d) { return static_cast<std::uint32_t>(std::lround(d * factor)); };
  return {per_metre(cinfo.X_density), per_metre(cinfo.Y_density), Density::Unit::per_metre};
}

void write_marker(JpegWriter& writer, int marker, std::string_view prefix, ReadBytes content) {
  if (content.empty() || prefix.size() + content.size() > kMaxSegment) return;
  std::vector<std::byte> segment(bytes_of(prefix).begin(), bytes_of(prefix).end());
  segment.insert(segment.end(), content.begin(), content.end());
  writer.run([&] {
    jpeg_write_marker(&writer.cinfo, marker, reinterpret_cast<const JOCTET*>(segment.data()),
                      static_cast<unsigned>(segment.size()));
  });
}

}  // namespace

JpegMetadata read_jpeg_metadata(JpegReader& reader, Model model) {
  ReadBytes exif, xmp;
  std::vector<std::byte> photoshop;
  for (auto* m = reader.cinfo.marker_list; m; m = m->next) {
    const ReadBytes data = std::as_bytes(std::span<const JOCTET>(m->data, m->data_length));
    if (m->marker == JPEG_APP0 + 1 && starts_with(data, kExif) && exif.empty()) exif = data.subspan(kExif.size());
    if (m->marker == JPEG_APP0 + 1 && starts_with(data, kXmp) && xmp.empty()) xmp = data.subspan(kXmp.size());
    if (m->marker == JPEG_APP0 + 13 && starts_with(data, kPhotoshop))
      photoshop.insert(photoshop.end(), data.begin() + kPhotoshop.size(), data.end());
  }
  JpegMetadata found;
  found.orientation = exif_orientation(exif);
  add_block(found.blocks, "exif", cleaned_exif(exif));
  // A CMYK file's profile describes inks, and its pixels leave the decoder as BGR: profile_fits drops it.
  add_block(found.blocks, "icc", read_profile(reader, model));
  add_block(found.blocks, "xmp", xmp);
  add_block(found.blocks, "iptc", iptc_resource(photoshop));
  if (reader.cinfo.saw_JFIF_marker && reader.cinfo.X_density > 0 && reader.cinfo.Y_density > 0)
    add_block(found.blocks, "density", density_block(density_of(reader.cinfo)));
  return found;
}

void write_jpeg_metadata(JpegWriter& writer, const Metadata& metadata, Model model) {
  write_marker(writer, JPEG_APP0 + 1, kExif, find_block(metadata, "exif"));
  write_marker(writer, JPEG_APP0 + 1, kXmp, find_block(metadata, "xmp"));
  if (const ReadBytes iptc = find_block(metadata, "iptc"); !iptc.empty() && iptc.size() <= kMaxSegment) {
    std::vector<std::byte> resource(bytes_of(kResource).begin(), bytes_of(kResource).end());
    for (const unsigned v : {unsigned{kIptcResource} >> 8, unsigned{kIptcResource} & 0xFF, 0u, 0u, 0u, 0u,
                             static_cast<unsigned>(iptc.size()) >> 8, static_cast<unsigned>(iptc.size()) & 0xFF})
      resource.push_back(static_cast<std::byte>(v));
    resource.insert(resource.end(), iptc.begin(), iptc.end());
    if (resource.size() % 2) resource.push_back(std::byte{0});
    write_marker(writer, JPEG_APP0 + 13, kPhotoshop, resource);
  }
  const ReadBytes icc = find_block(metadata, "icc");
  if (profile_fits(icc, model) && icc.size() <= 255 * kIccSegment)
    writer.run([&] {
      jpeg_write_icc_profile(&writer.cinfo, reinterpret_cast<const JOCTET*>(icc.data()),
                             static_cast<unsigned>(icc.size()));
    });
}

void set_jpeg_density(jpeg_compress_struct& cinfo, const Metadata& metadata) {
  const auto density = parse_density(find_block(metadata, "density"));
  if (!density) return;
  double factor = 1;
  UINT8 unit = 0;
  if (density->unit == Density::Unit::per_metre) {
    // Dots per inch, unless only dots per centimetre say the same number exactly.
    const auto exact_in_inches = [](double d) {
      return std::round(std::round(d / kInchesPerMetre) * kInchesPerMetre) == d;
    };
    const bool inches = exact_in_inches(density->x) && exact_in_inches(density->y);
    const bool centimetres = !inches && density->x % 100 == 0 && density->y % 100 == 0;
    factor = centimetres ? 0.01 : 1 / kInchesPerMetre;
    unit = centimetres ? 2 : 1;
  }
  const double x = std::round(density->x * factor), y = std::round(density->y * factor);
  if (x < 1 || y < 1 || x > 65535 || y > 65535) return;
  cinfo.density_unit = unit;
  cinfo.X_density = static_cast<UINT16>(x);
  cinfo.Y_density = static_cast<UINT16>(y);
}

}  // namespace tessera::stages
