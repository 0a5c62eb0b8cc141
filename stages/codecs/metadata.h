// What the codecs share about metadata: reading and cleaning an EXIF block, the density block, ICC profiles' identity.
// Bounded against hostile input: every offset is checked, and the number of directories that are visited is fixed.
// Values other than orientation are carried, never interpreted.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "stages/codec.h"

namespace tessera::stages {

/// The block of that name; empty if there is none.
ReadBytes find_block(const Metadata&, std::string_view name);
/// Appends unless `bytes` is empty.
void add_block(Metadata&, std::string_view name, ReadBytes bytes);
std::uint32_t total_bytes(const Metadata&);

/// Orientation 1..8 of a TIFF structure (EXIF without its "Exif\0\0" prefix), both byte orders; 1 when it says none, or
/// nonsense. source: EXIF 2.32, 4.6.4.A, tag 0x0112 of IFD0.
std::uint8_t exif_orientation(ReadBytes exif);

/// The block as an output may carry it: orientation 1, IFD1 (the thumbnail, which would show the picture before it was
/// processed) unlinked, its bytes overwritten with zeros, and cut off where they are the block's end. Everything else
/// keeps its offset, because maker notes hold offsets that only their maker can correct. Returned unchanged if it is no
/// TIFF structure.
std::vector<std::byte> cleaned_exif(ReadBytes exif);

/// Pixel density, the "density" block: three little-endian u32: x, y, unit. Pixels per metre are the unit because PNG
/// counts in them and every whole number of dots per inch or centimetre survives the way there and back.
struct Density {
  std::uint32_t x = 0, y = 0;
  enum class Unit : std::uint32_t { aspect_only = 0, per_metre = 1 } unit = Unit::aspect_only;
  bool operator==(const Density&) const = default;
};
std::vector<std::byte> density_block(const Density&);
std::optional<Density> parse_density(ReadBytes block);  // empty if it is not one, or zero

/// ImageInfo::profile_id: XXH3-64 of the profile's bytes, never 0; 0 for an empty one.
std::uint64_t profile_id(ReadBytes icc);
/// True if `icc` is a profile for gray or for RGB data, as the model asks (ycbcr_planar counts as RGB). A profile of
/// another colour space cannot describe the pixels and is dropped. source: ICC.1:2022, 7.2 (fields at 16 and 36).
bool profile_fits(ReadBytes icc, Model);

}  // namespace tessera::stages
