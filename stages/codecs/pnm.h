// The parts of the PNM codec, which pnm.cc joins into one Codec. Nothing outside codecs/ includes it.
#pragma once

#include <memory>

#include "stages/codec.h"

namespace tessera::stages {

const Codec& pnm_codec();

// pnm_decode.cc
Header probe_pnm(ByteSource&);
Traits pnm_decode_traits(const Header&, const DecodeRequest&);
std::unique_ptr<Decoder> decode_pnm(ByteSource&, const DecodeRequest&);

// pnm_encode.cc
Traits pnm_encode_traits(const ImageInfo&);
std::unique_ptr<Encoder> encode_pnm(ByteSink&, const ImageInfo&);

}  // namespace tessera::stages
