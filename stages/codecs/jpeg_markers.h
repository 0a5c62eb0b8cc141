// Metadata blocks in and out of JPEG markers: EXIF and XMP (APP1), ICC (APP2), IPTC (APP13), density (JFIF).
#pragma once

#include "stages/codecs/jpeg_io.h"
#include "stages/codecs/metadata.h"

namespace tessera::stages {

struct JpegMetadata {
  Metadata blocks;  // as Decoder::metadata() gives them
  std::uint8_t orientation = 1;
};

/// After read_header(). A damaged block is left out, never an error: the first EXIF and XMP packets count (extended XMP
/// is not read), ICC segments may come in any order, and a profile that does not fit `model` is dropped.
JpegMetadata read_jpeg_metadata(JpegReader&, Model model);

/// After jpeg_start_compress, before any row. A block that one segment cannot hold (EXIF above 65527 bytes, XMP above
/// 65504, IPTC above 65506) is left out, and so is a profile that does not fit `model` or has more than 255 segments.
void write_jpeg_metadata(JpegWriter&, const Metadata&, Model model);

/// Density for the JFIF marker; before jpeg_start_compress.
void set_jpeg_density(jpeg_compress_struct&, const Metadata&);

}  // namespace tessera::stages
