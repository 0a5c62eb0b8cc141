// TIFF to any rectangle: gray or BGR, alpha where a sample is declared to be it, 8 or 16 bit (1, 2 and 4 bit are scaled
// to 8; a palette becomes BGR). Strips and tiles, samples together or in planes, both byte orders, BigTIFF, every page.
// Colours that were multiplied by alpha are divided by it. Samples beyond colour and alpha are left out.
#include <fmt/format.h>

#include <cmath>

#include "stages/codecs/tiff.h"
#include "stages/codecs/tiff_blocks.h"
#include "stages/codecs/tiff_tags.h"

namespace tessera::stages {
namespace {

constexpr std::uint64_t kMaxBlobBytes = 64 << 20;  // one profile, one XMP packet
// Of all values in a directory: libtiff loads every one, those too that nobody asks for. Photoshop's layers are often
// 100 MB.
constexpr std::uint64_t kMaxLoadedBytes = 256 << 20;
constexpr std::uint64_t kBytesOfPage = 80;  // while pages are counted: an offset in a growing list, and in a set

struct TiffPage {
  TiffLayout layout;
  Metadata blocks;
  std::uint32_t pages = 1;
  std::uint64_t loaded_bytes = 0;  // that libtiff holds of the directory's values
  std::uint8_t orientation = 1;
  bool complete = false;  // its directory and what that points at is in the file
};

void add_density(TIFF* tif, Metadata& metadata) {
  float x = 0, y = 0;
  std::uint16_t unit = RESUNIT_INCH;
  if (!TIFFGetField(tif, TIFFTAG_XRESOLUTION, &x) || !TIFFGetField(tif, TIFFTAG_YRESOLUTION, &y)) return;
  TIFFGetFieldDefaulted(tif, TIFFTAG_RESOLUTIONUNIT, &unit);
  const bool metric = unit != RESUNIT_NONE;
  const double factor = unit == RESUNIT_INCH ? 1 / 0.0254 : unit == RESUNIT_CENTIMETER ? 100 : 1;
  const auto number = [&](double v) { return v > 0 && v * factor < 4e9 ? std::llround(v * factor) : 0; };
  const Density density{static_cast<std::uint32_t>(number(static_cast<double>(x))),
                        static_cast<std::uint32_t>(number(static_cast<double>(y))),
                        metric ? Density::Unit::per_metre : Density::Unit::aspect_only};
  if (density.x > 0 && density.y > 0) add_block(metadata, "density", density_block(density));
}

/// Chooses the page's directory and reads all of it.
TiffPage read_page(ByteSource& source, TiffReader& reader, std::uint32_t number) {
  TiffStructure structure(source);
  const std::vector<std::uint64_t> pages = structure.pages();
  if (pages.empty()) throw ImageError("truncated TIFF: the file ends before its directory");
  if (number >= pages.size())
    throw ImageError(fmt::format("the TIFF file has {} page{}", pages.size(), pages.size() == 1 ? "" : "s"));
  TiffPage page;
  page.pages = static_cast<std::uint32_t>(pages.size());
  const TiffDirectory directory = structure.directory(pages[number]);
  page.complete = directory.complete;
  page.loaded_bytes = directory.loaded_bytes;
  if (page.loaded_bytes > kMaxLoadedBytes)
    throw ImageError(
        fmt::format("TIFF: its directory has {} MiB of values beside the pixels; more than {} are not read",
                    page.loaded_bytes >> 20, kMaxLoadedBytes >> 20));
  reader.run([&] { return TIFFSetSubDirectory(reader.tif, pages[number]) == 1; });
  page.layout = tiff_layout(reader, source.size());

  add_block(page.blocks, "exif", exif_block(read_exif_tags(structure, pages[number])));
  for (const TiffEntry& e : directory.entries) {
    if (e.tag == TIFFTAG_ORIENTATION) {
      const std::uint64_t turn = structure.number(e);
      page.orientation = turn >= 1 && turn <= 8 ? static_cast<std::uint8_t>(turn) : std::uint8_t{1};
    }
    if (e.tag != TIFFTAG_ICCPROFILE && e.tag != TIFFTAG_XMLPACKET && e.tag != TIFFTAG_RICHTIFFIPTC) continue;
    std::vector<std::byte> value = structure.value(e, kMaxBlobBytes);
    const char* const name = e.tag == TIFFTAG_ICCPROFILE ? "icc" : e.tag == TIFFTAG_XMLPACKET ? "xmp" : "iptc";
    // Photoshop fills IPTC up to whole longs.
    if (e.tag == TIFFTAG_RICHTIFFIPTC)
      while (!value.empty() && value.back() == std::byte{0}) value.pop_back();
    const bool usable = e.tag != TIFFTAG_ICCPROFILE || profile_fits(value, page.layout.info.format.model);
    if (usable && find_block(page.blocks, name).empty()) add_block(page.blocks, name, value);
  }
  add_density(reader.tif, page.blocks);
  page.layout.info.profile_id = profile_id(find_block(page.blocks, "icc"));
  return page;
}

class TiffDecoder final : public Decoder {
 public:
  TiffDecoder(ByteSource& source, const DecodeRequest& request)
      : reader_(source, request.fail_on),
        page_(read_page(source, reader_, request.page)),
        blocks_(source, reader_, page_.layout, request.fail_on),
        fail_on_(request.fail_on) {}

  void read(const MutableView& out) override {
    const ImageInfo& info = page_.layout.info;
    const Region& r = out.region;
    const bool fits = out.format == info.format && info.bounds().contains(r) && out.plane().width == r.width() &&
                      out.plane().height == r.height();
    if (!fits) throw ImageError("the file changed while it was read: it no longer has the size it had");
    blocks_.read(out);
  }

  void finish() override {
    if (fail_on_ == FailOn::none) return;
    if (!page_.complete) throw ImageError("truncated TIFF: the file ends before what its directory speaks of");
    blocks_.check_extents();
  }

  Metadata metadata() override { return page_.blocks; }

 private:
  TiffReader reader_;
  TiffPage page_;
  TiffBlocks blocks_;
  FailOn fail_on_;
};

}  // namespace

Header probe_tiff(ByteSource& source, std::uint32_t number) {
  TiffReader reader(source, FailOn::truncated);
  const TiffPage page = read_page(source, reader, number);
  Header header;
  header.full = page.layout.info;
  header.pages = page.pages;
  header.orientation = page.orientation;
  header.metadata_bytes = total_bytes(page.blocks);
  header.block_rows = TiffBlocks::by_rows(page.layout) ? 0 : page.layout.block_height;
  // libtiff holds a value twice while it is set.
  header.decoder_bytes = kTiffFixedBytes + TiffBlocks::bytes(page.layout) + 3ull * header.metadata_bytes +
                         2 * page.loaded_bytes + kBytesOfPage * page.pages;
  return header;
}

Traits tiff_decode_traits(const Header& header, const DecodeRequest& request) {
  if (request.page >= header.pages)
    throw ImageError(fmt::format("the TIFF file has {} page{}", header.pages, header.pages == 1 ? "" : "s"));
  if (request.scale_log2 > 0) throw std::invalid_argument("a TIFF cannot be shrunk while it is decoded");
  if (request.planar) throw std::invalid_argument("a TIFF cannot be decoded to planes");
  Traits traits;
  traits.info = header.full;
  // Several decoders in one strip that is decoded row by row would each begin at its first row.
  traits.access = header.block_rows == 0 ? Access::rows : Access::regions;
  traits.block_rows = std::max(header.block_rows, 1);
  traits.private_bytes = header.decoder_bytes;
  return traits;
}

std::unique_ptr<Decoder> decode_tiff(ByteSource& source, const DecodeRequest& request) {
  return std::make_unique<TiffDecoder>(source, request);
}

}  // namespace tessera::stages
