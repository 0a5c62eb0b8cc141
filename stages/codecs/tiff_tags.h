// What describes a picture beside its pixels, between TIFF files, EXIF blocks and our metadata: descriptive tags, the
// EXIF and GPS directories, resolution. Values are carried, never interpreted; numbers are kept in little-endian order.
#pragma once

#include "stages/codecs/metadata.h"
#include "stages/codecs/tiff_structure.h"

namespace tessera::stages {

struct TiffTag {
  std::uint16_t tag = 0, type = 0;
  std::uint64_t count = 0;
  std::vector<std::byte> value;
};
TiffTag short_tag(std::uint16_t tag, std::initializer_list<std::uint16_t> values);
TiffTag long_tag(std::uint16_t tag, std::uint32_t value);
TiffTag bytes_tag(std::uint16_t tag, std::uint16_t type, ReadBytes value);

/// What EXIF says: descriptive tags of the picture's own directory, and the directories below it.
struct ExifTags {
  std::vector<TiffTag> image, exif, gps, interop;
  bool empty() const { return image.empty() && exif.empty() && gps.empty(); }
};
/// Of the directory at `offset`; without orientation, thumbnail and everything that describes how pixels are stored.
/// Tags that the file does not hold whole, or above 64 KiB, are left out, and so are those with which all of them
/// together would take more than the file or 1 MiB.
ExifTags read_exif_tags(TiffStructure&, std::uint64_t offset);
/// A TIFF structure of its own, as other formats carry it; empty for no tags.
std::vector<std::byte> exif_block(const ExifTags&);

/// Directories as the bytes of a little-endian file that begins at `offset` in it: values, the directories below, and
/// the main one last. `big_tiff`: 64-bit offsets.
struct TiffDirectoryBytes {
  std::vector<std::byte> bytes;
  std::uint64_t directory_at = 0;  // in the file
};
TiffDirectoryBytes tiff_directory_bytes(std::vector<TiffTag> main, const ExifTags& below, std::uint64_t offset,
                                        bool big_tiff);
/// The first 8 or 16 bytes of a little-endian file.
std::vector<std::byte> tiff_header(std::uint64_t directory_at, bool big_tiff);

/// XResolution, YResolution and ResolutionUnit.
std::vector<TiffTag> density_tags(const Density&);

}  // namespace tessera::stages
