// The chunks of a PNG file that libpng is not asked for: EXIF and XMP. They may stand after the picture, where libpng
// reports them only when everything is decoded, too late for an orientation; here the chunks' headers are walked
// without reading the picture. Only what the walk finds whole and with a right CRC counts; damage is libpng's to
// report.
#pragma once

#include <vector>

#include "stages/codec.h"

namespace tessera::stages {

struct PngChunks {
  std::vector<std::byte> exif;  // the TIFF structure, as stored
  std::vector<std::byte> xmp;   // uncompressed iTXt "XML:com.adobe.xmp"; XMP asks for no compression
};
PngChunks find_png_chunks(ByteSource&);

}  // namespace tessera::stages
