// Every decoder, on bytes from outside: the codec is found by content, as the program finds it. What decodes at all
// gives the same pixels in one band and in many, at every scale, as rows and as planes, and keeps the header's
// promises.
#include <optional>

#include "pipeline/wire.h"
#include "stages/codec.h"
#include "stages/codecs/byte_io.h"
#include "stages/codecs/metadata.h"
#include "tests/fuzz/fuzz.h"

namespace tessera::fuzz {
using namespace stages;
namespace {

// Larger images are refused from their header, as --max-pixels does; smaller ones are decoded in every way.
constexpr std::int64_t kMaxPixels = 4 << 20, kSmall = 16 << 10;

std::int64_t pixels_of(const ImageInfo& info) { return std::int64_t{info.width} * info.height; }

void check_metadata(const Header& header, const Metadata& metadata) {
  require(total_bytes(metadata) <= header.metadata_bytes, "metadata is no larger than the header announces");
  require(exif_orientation(find_block(metadata, "exif")) == 1, "EXIF leaves a decoder upright");
  const ReadBytes icc = find_block(metadata, "icc");
  require(icc.empty() || profile_fits(icc, header.full.format.model), "a profile that does not fit is dropped");
}

/// Empty when the codec refuses the file.
std::optional<Picture> decode(ReadBytes file, const Header& header, const DecodeRequest& request, std::int32_t rows) {
  const Codec& codec = *codecs()[header.codec];
  try {
    MemorySource source(file);
    const Traits traits = codec.decode_traits(header, request);
    require(valid(traits.info), "a decoder announces a valid image");
    Picture picture(traits.info);
    const auto decoder = codec.decode(source, request);
    check_metadata(header, decoder->metadata());
    for (const Region& band : bands(traits.info, rows, traits.band_multiple))
      decoder->read(sub_view(traits.info, picture.view(), band));
    decoder->finish();
    return picture;
  } catch (const ImageError&) {
    return std::nullopt;
  }
}

void decode_both_ways(ReadBytes file, const Header& header, const DecodeRequest& request) {
  const auto whole = decode(file, header, request, header.full.height);
  const auto parts = decode(file, header, request, 5);
  require(whole.has_value() == parts.has_value(), "bands do not decide whether a file is damaged");
  require(!whole || same_pixels(*whole, *parts), "bands do not change pixels");
}

void decode_any(ReadBytes file) {
  MemorySource source(file);
  const Header header = probe(source);
  require(pipeline::plausible(header), "a probed header is plausible");
  const std::int64_t pixels = pixels_of(header.full);
  if (pixels > kMaxPixels) return;
  if (pixels > kSmall) {
    decode(file, header, {.fail_on = FailOn::none}, 64);
    return;
  }
  for (std::uint8_t scale = 0; scale <= header.max_scale_log2; ++scale)
    for (const bool planar : {false, true})
      if (!planar || header.planar)
        decode_both_ways(file, header, {.scale_log2 = scale, .fail_on = FailOn::none, .planar = planar});
  decode_both_ways(file, header, {.fail_on = FailOn::truncated});
  decode_both_ways(file, header, {.fail_on = FailOn::warning});
}

}  // namespace
}  // namespace tessera::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    tessera::fuzz::decode_any(tessera::fuzz::bytes_of(data, size));
  } catch (const tessera::stages::ImageError&) {
    // no picture
  }
  return 0;
}
