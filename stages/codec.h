// A file format: probing, decoding and encoding by ascending rows, on the format's own library. One file per format in
// codecs/. One thread inside, always. Bytes come from a ByteSource and go to a ByteSink, so nothing here opens a file.
// Adding a format: derive from Codec, list it in codecs/codecs.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stages/image.h"
#include "stages/values.h"

namespace tessera::stages {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  /// Up to `bytes` bytes from `offset`; shorter only at the end. Valid until the next call.
  virtual ReadBytes at(std::uint64_t offset, std::size_t bytes) = 0;
};

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write_at(std::uint64_t offset, ReadBytes) = 0;
};

/// Named blocks that travel beside the pixels: "exif" (TIFF structure, without the "Exif\0\0" prefix), "icc", "xmp",
/// "iptc" (the IPTC-NAA record), "density" (12 bytes: see codecs/metadata.h). Orientation inside exif is already
/// reset to 1 and a stale thumbnail dropped: a decoder's rows come out as stored, Header::orientation says how to turn.
using Metadata = std::vector<std::pair<std::string, std::vector<std::byte>>>;

/// What a file says about itself before any pixel is decoded.
struct Header {
  ImageInfo full;  // as stored: before orientation, at full scale, as decode() delivers unscaled
  std::uint32_t pages = 1;
  std::uint8_t orientation = 1;               // EXIF 1..8
  std::uint8_t max_scale_log2 = 0;            // decode() can shrink by 2^0 .. 2^max_scale_log2
  bool planar = false;                        // decode() can deliver ycbcr_planar
  bool progressive = false;                   // the codec holds an image's worth of private memory
  std::array<std::uint8_t, 2> chroma_log2{};  // subsampling of the stored chroma (x, y); grids of a planar decode
  std::uint32_t metadata_bytes = 0;           // upper bound of what Decoder::metadata() returns, in bytes
  std::uint32_t codec = 0;                    // index into codecs()
  std::int32_t block_rows = 0;                // regions: of a tile or strip, which are decoded at once; else 0
  std::uint64_t decoder_bytes = 0;  // regions: private memory of a decoder, which the size alone does not tell
};
static_assert(std::is_trivially_copyable_v<Header>);

enum class FailOn : std::uint8_t { none, truncated, warning };

struct DecodeRequest {
  std::uint32_t page = 0;
  std::uint8_t scale_log2 = 0;
  FailOn fail_on = FailOn::truncated;
  bool planar = false;
  bool operator==(const DecodeRequest&) const = default;
};

/// rows: ascending full-width bands, once. regions: any rectangle, any order. whole: only all at once.
enum class Access : std::uint8_t { rows, regions, whole };

/// What one decode or encode means for memory and order.
struct Traits {
  ImageInfo info;  // what the decoder delivers / the encoder takes
  Access access = Access::rows;
  std::int32_t band_multiple = 1;   // bands start and end (but at the image's end) at multiples of this, full-size rows
  std::int32_t block_rows = 1;      // regions: rows that are decoded at once, so best asked for at once
  std::uint64_t private_bytes = 0;  // what the codec allocates beside the caller's buffers, an upper estimate
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  /// rows: the next rows; out.region is full-width, starts where the last one ended, ends at a band multiple or the
  /// image's end. regions: any rectangle, any order, again if need be.
  virtual void read(const MutableView& out) = 0;
  /// Reads and checks what is left of the file, so that a truncated one fails even if its last rows were not needed.
  virtual void finish() = 0;
  virtual Metadata metadata() = 0;
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual void write(const View& band) = 0;  // ascending full-width bands
  virtual void finish() = 0;                 // all rows were written; flushes
};

class Codec {
 public:
  virtual ~Codec() = default;
  virtual std::string_view name() const = 0;  // "jpeg"
  /// The library behind it and its version; "" when there is none.
  virtual std::string library() const { return {}; }
  virtual std::vector<std::string_view> extensions() const = 0;  // the preferred one first: "jpg", "jpeg", ...
  virtual bool recognises(ReadBytes first_64) const = 0;
  /// No pixel, no large allocation. Throws ImageError: not this format, damaged, or a kind we cannot decode.
  virtual Header probe(ByteSource&) const = 0;
  /// The same of a page other than the first, in formats that have pages.
  virtual Header probe_page(ByteSource&, std::uint32_t page) const;
  virtual Traits decode_traits(const Header&, const DecodeRequest&) const = 0;
  /// The source must outlive the decoder. Throws ImageError.
  virtual std::unique_ptr<Decoder> decode(ByteSource&, const DecodeRequest&) const = 0;

  virtual const std::vector<Parameter>& encode_parameters() const = 0;  // quality, ...
  virtual PixelFormat storable(PixelFormat) const = 0;                  // nearest format the file can hold
  /// The grid on which the file stores chroma planes with these settings; encode() takes full-size luma and chroma on
  /// this grid as they are. Empty: no planes.
  virtual std::optional<Grid> chroma_grid(const Values&) const { return std::nullopt; }
  /// True if the file loses more with these settings than a decoder that shrinks: see Stage::decode_scale_log2.
  virtual bool hides_small_errors(const Values&) const { return false; }
  virtual Traits encode_traits(const ImageInfo&, const Values& settings) const = 0;
  virtual std::unique_ptr<Encoder> encode(ByteSink&, const ImageInfo&, const Metadata&,
                                          const Values& settings) const = 0;
};

/// All formats, in a fixed order: what Header::codec counts.
const std::vector<const Codec*>& codecs();
/// Those of them that recipes, help and references name: all but a test build's own.
const std::vector<const Codec*>& listed_codecs();
const Codec* find_codec(std::string_view name);          // "jpeg"; nullptr if unknown
const Codec* codec_for_extension(std::string_view ext);  // "JPG", ".jpg"; nullptr if unknown
/// Looks at the first bytes and probes. Throws ImageError: "not an image format that Tessera reads".
Header probe(ByteSource&);

}  // namespace tessera::stages
