// The parts of the PNG codec, which png.cc joins into one Codec. Nothing outside codecs/ includes it.
#pragma once

#include <memory>

#include "stages/codec.h"

namespace tessera::stages {

const Codec& png_codec();

// png_decode.cc
Header probe_png(ByteSource&);
Traits png_decode_traits(const Header&, const DecodeRequest&);
std::unique_ptr<Decoder> decode_png(ByteSource&, const DecodeRequest&);

// png_encode.cc
Traits png_encode_traits(const ImageInfo&);
std::unique_ptr<Encoder> encode_png(ByteSink&, const ImageInfo&, const Metadata&, const Values& settings);

}  // namespace tessera::stages
