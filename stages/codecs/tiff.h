// The parts of the TIFF codec, which tiff.cc joins into one Codec. Nothing outside codecs/ includes it.
#pragma once

#include <memory>

#include "stages/codec.h"

namespace tessera::stages {

const Codec& tiff_codec();

// tiff_decode.cc
Header probe_tiff(ByteSource&, std::uint32_t page);
Traits tiff_decode_traits(const Header&, const DecodeRequest&);
std::unique_ptr<Decoder> decode_tiff(ByteSource&, const DecodeRequest&);

// tiff_encode.cc
Traits tiff_encode_traits(const ImageInfo&, const Values& settings);
std::unique_ptr<Encoder> encode_tiff(ByteSink&, const ImageInfo&, const Metadata&, const Values& settings);

}  // namespace tessera::stages
