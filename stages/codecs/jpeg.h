// The parts of the JPEG codec, which jpeg.cc joins into one Codec. Nothing outside codecs/ includes it.
#pragma once

#include <memory>

#include "stages/codec.h"

namespace tessera::stages {

const Codec& jpeg_codec();

// jpeg_decode.cc
Header probe_jpeg(ByteSource&);
Traits jpeg_decode_traits(const Header&, const DecodeRequest&);
std::unique_ptr<Decoder> decode_jpeg(ByteSource&, const DecodeRequest&);

// jpeg_encode.cc
Grid jpeg_chroma_grid(const Values& settings);
Traits jpeg_encode_traits(const ImageInfo&, const Values& settings);
std::unique_ptr<Encoder> encode_jpeg(ByteSink&, const ImageInfo&, const Metadata&, const Values& settings);

/// Bytes of a whole image's coefficients, which several scans make libjpeg keep. Upper bound: components are padded to
/// 32 pixels. `chroma_log2` {0, 0} with `components` 4 bounds every other sampling.
std::uint64_t jpeg_coefficient_bytes(const ImageInfo&, int components, std::array<std::uint8_t, 2> chroma_log2);

}  // namespace tessera::stages
